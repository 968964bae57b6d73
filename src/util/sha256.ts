/** @file SHA-256, by which files and their contents are told apart. */
import { createHash } from 'node:crypto'

/** Of some bytes or texts one after the other, as 64 hexadecimal digits. */
export function sha256(parts: Iterable<Uint8Array | string>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
