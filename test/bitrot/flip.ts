/** What the rot of a disk does. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/** Flips one bit of a file where it lies; bit 0 is the lowest of the first byte. */
export function flipBit(path: string, bit: number): void {
  const file = openSync(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, bit >> 3)
    byte[0] = (byte[0] as number) ^ (1 << (bit & 7))
    writeSync(file, byte, 0, 1, bit >> 3)
  } finally {
    closeSync(file)
  }
}
