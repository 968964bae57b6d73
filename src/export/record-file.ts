/**
 * @file TFRecord, the framing of TensorBoard's event files: for each record its length as 8 bytes, little
 * endian, the masked CRC-32C of these, the bytes, and the masked CRC-32C of the bytes.
 */

/** The records one behind the other. */
export function framed(records: readonly Uint8Array[]): Uint8Array[] {
  return records.flatMap((record) => {
    const length = new Uint8Array(8)
    new DataView(length.buffer).setBigUint64(0, BigInt(record.length), true)
    return [length, checksum(length), record, checksum(record)]
  })
}

function checksum(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(4)
  new DataView(result.buffer).setUint32(0, masked(crc32c(bytes)), true)
  return result
}

/** What the format adds, so that checksums of data that holds checksums are no weaker. */
const MASK = 0xa282ead8

/** Rotated right by 15 bits, plus a constant. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK) >>> 0

/** Castagnoli's polynomial, its bits reversed. */
const POLYNOMIAL = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

/** CRC-32C (RFC 3720, appendix B.4), as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}
