/** Names of the files of a LevelDB database. */

export const LOG = /^(\d+)\.log$/
/** Older LevelDBs wrote `.sst`. */
export const TABLE = /^(\d+)\.(?:ldb|sst)$/
/** While a database is made, this is there before CURRENT is. */
export const FIRST_MANIFEST = 'MANIFEST-000001'

/** As this LevelDB names them. */
export function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.ldb`
}

/** Those of the names that follow `pattern`, ascending by their number. */
export function numbered(
  names: readonly string[],
  pattern: RegExp,
): readonly { readonly number: number; readonly name: string }[] {
  return names
    .flatMap((name) => {
      const match = pattern.exec(name)
      return match === null ? [] : [{ number: Number(match[1]), name }]
    })
    .sort((a, b) => a.number - b.number)
}
