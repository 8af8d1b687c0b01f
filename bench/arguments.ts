/** What benchmarks are told on the command line. */

const MOST = 10_000

/** Ends the program with status 2. */
export function refuse(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(2)
}

/** Of an option like `--seeds`; another value ends the program. */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value
  return refuse(`--${name}: expected a whole number from 1 to ${MOST}, got ${JSON.stringify(text)}`)
}
