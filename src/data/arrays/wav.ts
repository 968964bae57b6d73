/**
 * @file Reads WAV files (RIFF): whole numbers of 8 (without sign), 16, 24 or 32 bits, or floats of 32 or 64.
 * Several channels become one, their mean.
 */
import { UserError } from '../../util/errors.ts'

export interface Sound {
  /** Samples per second. */
  rate: number
  /** From -1 to 1. */
  values: Float32Array
}

const PCM = 1
const FLOAT = 3
/** The format is said further on. */
const EXTENSIBLE = 0xfffe

/** The size of sound whose end was not known when its head was written: it goes on to the end of the file. */
const UNKNOWN = 0xffffffff

/** By format and bits: how a value is read. */
const readers: Record<string, (view: DataView, at: number) => number> = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT}/64`]: (view, at) => view.getFloat64(at, true),
}

/** The sound of a file that messages call `path`. Throws UserError. */
export function parseWav(bytes: Uint8Array, path: string): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const name = (at: number) => new TextDecoder('latin1').decode(bytes.subarray(at, at + 4))
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw new UserError(`${path} is not a WAV file`)
  const chunks = new Map<string, { at: number; size: number }>()
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    if (name(at) === 'data' && size !== UNKNOWN && at + 8 + size > bytes.length)
      throw new UserError(
        `${path} is cut off: its sound takes ${size} bytes, ${bytes.length - at - 8} of them are there`,
      )
    if (!chunks.has(name(at))) chunks.set(name(at), { at: at + 8, size: Math.min(size, bytes.length - at - 8) })
    at += 8 + size + (size % 2)
  }
  const [format, data] = [chunks.get('fmt '), chunks.get('data')]
  if (!format || format.size < 16 || !data)
    throw new UserError(`${path} is a WAV file without ${data ? 'format' : 'data'}`)
  const said = view.getUint16(format.at, true)
  const kind = said === EXTENSIBLE && format.size >= 26 ? view.getUint16(format.at + 24, true) : said
  const [channels, rate, bits] = [
    view.getUint16(format.at + 2, true),
    view.getUint32(format.at + 4, true),
    view.getUint16(format.at + 14, true),
  ]
  const read = readers[`${kind}/${bits}`]
  if (!read || channels === 0)
    throw new UserError(
      `${path} has ${channels} channels of ${bits} bits in format ${kind}, expected whole numbers of 8, 16, 24 or 32 bits or floats`,
    )
  const width = bits / 8
  const values = Float32Array.from({ length: Math.floor(data.size / (width * channels)) }, (_, i) => {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += read(view, data.at + (i * channels + c) * width)
    return sum / channels
  })
  return { rate, values }
}
