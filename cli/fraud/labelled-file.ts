/** Labelled payments from a CSV file, or a `.gz` of one, as a stream. */
import { createReadStream, statSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CordonError } from '../../config/errors.ts'
import { LabelledRowReader, type LabelledRow } from '../../fraud/evaluation/labelled-rows.ts'

/**
 * The rows, some at a time.
 * @param onRead told which share of the file has been read.
 * @throws CordonError `not-found` for a file that cannot be read, `labelled-file-invalid` for one with something else in it.
 */
export async function* labelledRows(
  path: string,
  onRead: (share: number) => void,
): AsyncGenerator<readonly LabelledRow[], void, undefined> {
  const reader = new LabelledRowReader(path)
  try {
    const { size } = statSync(path)
    const source = createReadStream(path)
    const bytes = path.endsWith('.gz') ? pipeline(source, createGunzip(), () => undefined) : source
    for await (const piece of bytes as AsyncIterable<Buffer>) {
      yield reader.push(piece)
      if (size > 0) onRead(source.bytesRead / size)
    }
  } catch (error) {
    throw refusal(path, error)
  }
  yield reader.end()
}

/** zlib gives its errors codes of its own; the others with a code are those of system calls. */
function refusal(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof CordonError || code === undefined) return error
  if (code.startsWith('Z_'))
    return new CordonError(
      'labelled-file-invalid',
      `${path} is not gzip, or damaged (${message}); a file that is not packed must not be named .gz`,
      { file: path },
      { cause: error },
    )
  return new CordonError(
    'not-found',
    `labelled file ${path} cannot be read (${code})`,
    { file: path },
    { cause: error },
  )
}
