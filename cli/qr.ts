/** A QR code of half blocks, two rows of modules to a line. */
import { renderUnicodeCompact } from 'uqr'

/** What the standard wants around it (ISO/IEC 18004). */
const QUIET_MODULES = 4
/** Black on white, whatever the colours of the terminal. */
const COLOURS = '\u001b[30;107m'
const PLAIN = '\u001b[0m'

/** @param coloured for a terminal; without colours the reader has to have dark letters on light ground. */
export function drawQr(text: string, coloured: boolean): string {
  // The library takes letters for light and draws the light modules: inverted, the dark ones.
  const drawn = renderUnicodeCompact(text, { ecc: 'M', border: QUIET_MODULES, invert: true })
  return coloured ? drawn.replaceAll(/^.*$/gm, (line) => `${COLOURS}${line}${PLAIN}`) : drawn
}
