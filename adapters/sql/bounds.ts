/** Every bound of the SQL stores in one place, with its unit and its reason. Read where it is used: the simulation runs with tiny ones, so that each is met. */
export const SQL_BOUNDS = {
  /** Keys of turns taken at once: by every opening that writes, and whenever they run out. */
  turnKeysPerBlock: 128,
  /** Longest text kept in one row, in UTF-8 bytes: half of what a Durable Object takes, so that the row's other columns always fit. */
  rowTextBytesMax: 1_000_000,
  /** Rows of instances that a session remembers, at some 200 bytes each. */
  knownRowsMax: 20_000,
  /** Fewest rows fetched at once when some of them may be left out. */
  scanRowsMin: 100,
};
