import fc from 'fast-check'
import { expect, it } from 'vitest'
import { eventFile, eventFileName, isEventFile } from '../../src/export/event-file.ts'
import { crc32c } from '../../src/export/record-file.ts'
import { readEvents } from './event-reader.ts'

it.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['the digits', new TextEncoder().encode('123456789'), 0xe3069283],
])('checksums are those of RFC 3720: %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected)
})

const values = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.float({ noNaN: true })), { maxLength: 5 })
const point = fc.record({
  step: fc.nat({ max: 2 ** 40 }),
  time: fc.double({ min: 0, max: 2e9, noNaN: true }),
  values: values.map((entries) => new Map(entries)),
})

it('what was written is read again by a reader of its own', () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 4 }), (points) => {
      const [first, ...events] = readEvents(Buffer.concat(eventFile(points, 1_700_000_000.25)))
      expect(first).toEqual({ wallTime: 1_700_000_000.25, fileVersion: 'brain.Event:2', values: [] })
      expect(events).toEqual(points.map(({ step, time, values: of }) => ({ wallTime: time, step, values: [...of] })))
    }),
    { numRuns: 50 },
  )
})

it('the reader of the test notices each bit that is turned', () => {
  const file = Buffer.concat(eventFile([{ step: 3, time: 5, values: new Map([['train/loss', 0.5]]) }], 5))
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const damaged = Uint8Array.from(file)
    damaged[bit >> 3] ^= 1 << (bit & 7)
    expect(() => readEvents(damaged)).toThrow()
  }
})

it('names hold the second of the first event', () => {
  expect(eventFileName(1_700_000_000.75)).toBe('events.out.tfevents.1700000000.espalier')
  expect(isEventFile(eventFileName(0))).toBe(true)
  expect(isEventFile('events.out.tfevents.1700000000.host')).toBe(false)
})
