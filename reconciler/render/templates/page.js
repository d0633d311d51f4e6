"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const field = (id) => document.getElementById(id);
  const rows = Array.from(document.querySelectorAll("main .change"), (row) => ({ row, text: "" }));
  const parts = Array.from(document.querySelectorAll("main section, main details, main table"));
  const closed = new Set(document.querySelectorAll("main details:not([open])"));
  const total = rows.filter(({ row }) => row.closest(".app")).length;
  let waiting = 0;

  const wanted = () => ({
    words: field("search").value.toLowerCase().split(/\s+/).filter(Boolean),
    app: field("app").value,
    operation: field("operation").value,
    cause: field("cause").value,
    person: field("person").value.trim().toLowerCase(),
    privileged: field("privileged").checked,
  });

  const fits = (entry, want) => {
    const data = entry.row.dataset;
    if (want.app && data.app !== want.app) return false;
    if (want.operation && data.operation !== want.operation) return false;
    if (want.cause && data.cause !== want.cause) return false;
    if (want.privileged && data.privileged === undefined) return false;
    if (want.person && !data.person.toLowerCase().includes(want.person)) return false;
    if (!want.words.length) return true;
    entry.text ||= `${data.app} ${data.operation} ${data.cause} ${entry.row.textContent}`.toLowerCase();
    return want.words.every((word) => entry.text.includes(word));
  };

  const apply = () => {
    const want = wanted();
    const active = Boolean(want.words.length || want.app || want.operation || want.cause || want.person || want.privileged);
    let shown = 0;
    for (const entry of rows) {
      entry.row.hidden = !fits(entry, want);
      if (!entry.row.hidden && entry.row.closest(".app")) shown += 1;
    }
    for (const part of parts) {
      const any = part.querySelector(".change:not([hidden])") !== null;
      part.hidden = active && !any;
      if (closed.has(part)) part.open = active && any;
    }
    const name = total === 1 ? "change" : "changes";
    const all = total.toLocaleString("en");
    field("count").textContent = active ? `${shown.toLocaleString("en")} of ${all} ${name}` : `${all} ${name}`;
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 80);
  };

  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(apply, 0));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field("search").focus();
    } else if (event.key === "Escape") {
      form.reset();
    }
  });
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
  form.hidden = false;
})();
