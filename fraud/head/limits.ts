/** Bounds of a head that comes from a file. `docs/fraud.md` lists them. */
export const HEAD_LIMITS = {
  /** Of a file. */
  fileCharacters: 4 * 1024 * 1024,
  layers: 4,
  layerOutputs: 512,
  /** Of what a message shows of a bad value. */
  shownCharacters: 80,
} as const
