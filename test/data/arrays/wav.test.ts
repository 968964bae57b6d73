import { expect, it } from 'vitest'
import { parseWav } from '../../../src/data/arrays/wav.ts'
import { sound16, type Wav, wavBytes } from './array-files.ts'

const floats32 = new Uint8Array(Float32Array.of(0.25, -1.5).buffer)
const floats64 = new Uint8Array(Float64Array.of(0.25, -1.5).buffer)

it.each<[string, Wav, number[]]>([
  ['8 bits without sign', { bits: 8, data: Uint8Array.of(0, 128, 255) }, [-1, 0, 127 / 128]],
  ['16 bits', { data: sound16([-32768, 16384, 1]) }, [-1, 0.5, 1 / 32768]],
  ['24 bits', { bits: 24, data: Uint8Array.of(0, 0, 0x80, 0xff, 0xff, 0xff, 0, 0, 0x40) }, [-1, -1 / 2 ** 23, 0.5]],
  ['32 bits', { bits: 32, data: new Uint8Array(Int32Array.of(-(2 ** 31), 2 ** 30).buffer) }, [-1, 0.5]],
  ['floats of 32 bits', { bits: 32, format: 3, data: floats32 }, [0.25, -1.5]],
  ['floats of 64 bits', { bits: 64, format: 3, data: floats64 }, [0.25, -1.5]],
  ['two channels, their mean', { channels: 2, data: sound16([16384, 0, -32768, 16384]) }, [0.25, -0.25]],
  ['an incomplete value at the end', { data: Uint8Array.of(0, 64, 7) }, [0.5]],
])('reads %s', (_name, wav, values) => {
  expect([...parseWav(wavBytes({ ...wav, rate: 8000 }), 'a.wav').values]).toEqual(values.map(Math.fround))
  expect(parseWav(wavBytes({ ...wav, rate: 8000 }), 'a.wav').rate).toBe(8000)
})

it('what is no WAV file, or of another coding, is refused in a sentence', () => {
  const whole = wavBytes({ data: sound16([1]) })
  expect(() => parseWav(whole.subarray(1), 'a.wav')).toThrow('a.wav is not a WAV file')
  expect(() => parseWav(whole.subarray(0, 36), 'a.wav')).toThrow('a.wav is a WAV file without data')
  expect(() => parseWav(wavBytes({ format: 7, bits: 8, data: Uint8Array.of(1) }), 'a.wav')).toThrow(
    'a.wav has 1 channels of 8 bits in format 7, expected whole numbers of 8, 16, 24 or 32 bits or floats',
  )
})
