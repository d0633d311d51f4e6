"""Operations done by a person, asked for in a ticket."""
