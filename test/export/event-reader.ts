/**
 * @file Reads TensorBoard's event files by the description of the format alone, bit by bit, and shares no
 * code with what writes them.
 */

export interface ReadEvent {
  wallTime?: number
  step?: number
  fileVersion?: string
  values: [tag: string, value: number][]
}

/** Throws where a length, a checksum or a message is wrong. */
export function readEvents(file: Uint8Array): ReadEvent[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const events: ReadEvent[] = []
  let at = 0
  while (at < file.length) {
    const length = view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true)
    if (at + length + 16 > file.length) throw new Error(`a record of ${length} bytes at ${at} passes the end`)
    if (view.getUint32(at + 8, true) !== maskedCrc(file.subarray(at, at + 8))) throw new Error(`length at ${at}`)
    const data = file.subarray(at + 12, at + 12 + length)
    if (view.getUint32(at + 12 + length, true) !== maskedCrc(data)) throw new Error(`data at ${at + 12}`)
    events.push(eventIn(data))
    at += 16 + length
  }
  return events
}

/** Division of polynomials over bits, the lowest of a byte first, with 32 bits of ones before and after. */
function maskedCrc(bytes: Uint8Array): number {
  let rest = 0xffffffffn
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const top = ((rest >> 31n) & 1n) ^ BigInt((byte >> bit) & 1)
      rest = ((rest << 1n) & 0xffffffffn) ^ (top ? 0x1edc6f41n : 0n)
    }
  const reversed = Number.parseInt([...rest.toString(2).padStart(32, '0')].reverse().join(''), 2)
  const crc = BigInt(reversed) ^ 0xffffffffn
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn)
}

type Field = [number: number, value: bigint | Uint8Array]

/** Fields of a message in their order: varints as numbers, everything else as bytes. */
function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = Number(varint())
    const number = key >> 3
    if ((key & 7) === 0) fields.push([number, varint()])
    else {
      const length = { 1: 8, 5: 4, 2: 0 }[key & 7]
      if (length === undefined) throw new Error(`field ${number} has the type ${key & 7}`)
      const size = (key & 7) === 2 ? Number(varint()) : length
      if (at + size > message.length) throw new Error(`field ${number} passes the end`)
      fields.push([number, message.subarray(at, at + size)])
      at += size
    }
  }
  return fields
}

const text = (bytes: bigint | Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes as Uint8Array)
const viewOf = (bytes: bigint | Uint8Array) => new DataView(Uint8Array.from(bytes as Uint8Array).buffer)

function eventIn(message: Uint8Array): ReadEvent {
  const event: ReadEvent = { values: [] }
  for (const [number, value] of fieldsOf(message))
    if (number === 1) event.wallTime = viewOf(value).getFloat64(0, true)
    else if (number === 2) event.step = Number(value)
    else if (number === 3) event.fileVersion = text(value)
    else if (number === 5)
      event.values.push(...fieldsOf(value as Uint8Array).map(([, one]) => valueIn(one as Uint8Array)))
    else throw new Error(`an event has the field ${number}`)
  return event
}

function valueIn(message: Uint8Array): [string, number] {
  const fields = new Map(fieldsOf(message))
  return [text(fields.get(1)!), viewOf(fields.get(2)!).getFloat32(0, true)]
}
