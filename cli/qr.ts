/** A QR code of half blocks, two rows of modules to a line. */
import { encode } from 'uqr'

/** What the standard wants around it (ISO/IEC 18004). */
const QUIET_MODULES = 4
/** Black on white, whatever the colours of the terminal. */
const COLOURS = '\u001b[30;107m'
const PLAIN = '\u001b[0m'

/** @param coloured for a terminal; without colours the reader has to have dark letters on light ground. */
export function drawQr(text: string, coloured: boolean): string {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET_MODULES })
  const isDark = (row: number, column: number): boolean => data[row]?.[column] ?? false
  const lines: string[] = []
  for (let row = 0; row < size; row += 2) {
    const cells = Array.from({ length: size }, (_, column) =>
      block(isDark(row, column), isDark(row + 1, column)),
    )
    lines.push(coloured ? `${COLOURS}${cells.join('')}${PLAIN}` : cells.join(''))
  }
  return lines.join('\n')
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
