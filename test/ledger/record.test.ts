/** @file Records are read as what anybody may have written: those changed or impossible are refused. */
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { namesFile, readRecord } from '../../src/ledger/record.ts'
import { plain, plainText, sealed } from '../../src/ledger/sealed.ts'
import { methods } from '../../src/methods/index.ts'
import type { Method } from '../../src/methods/method.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { recordWith, writeRecordFile } from './records.ts'

const file = () => join(temporaryFolder(), 'a.record.json')

it('a record is read as it was written, whatever the order of its keys', () => {
  const record = recordWith()
  expect(readRecord(writeRecordFile(file(), record))).toEqual(record)
  expect(readRecord(writeRecordFile(file(), Object.fromEntries(Object.entries(record).reverse())))).toEqual(record)
})

it.each(['seed', 'gradients', 'seconds', 'sparsity', 'final.correct', 'environment.instructions', 'settings.polish'])(
  'a record whose %s was changed is noticed',
  (key) => {
    const record = structuredClone(recordWith()) as unknown as Record<string, Record<string, unknown>>
    const [outer, inner] = key.split('.')
    if (inner === undefined) Object.assign(record, { [outer]: Number(record[outer]) * 0.5 + 0 })
    else record[outer][inner] = inner === 'instructions' ? 'native avx512' : 7
    if (key === 'seed') Object.assign(record, { seed: 1 })
    expect(() => readRecord(writeRecordFile(file(), record))).toThrow(
      /a\.record\.json was changed after it was written/,
    )
  },
)

/** Digests are right: what is refused is what the record says. */
it.each<[string, object, RegExp]>([
  ['a network that is a path', { network: '../../model.onnx' }, /network: found \.\.\/\.\.\/model\.onnx/],
  ['a method that is none', { method: 'constructor' }, /method: found constructor/],
  ['a setting that is none', { settings: { samples: 1, output: '/etc/x' } }, /settings: unknown key output/],
  [
    'a setting of another method',
    { method: 'cbs-select', settings: { damp: 1 } },
    /settings\.damp: cbs-select has no use for it/,
  ],
  [
    'a setting that is a path',
    { method: 'snows', settings: { horizon: 3, dense: '/etc/hostname' } },
    /settings\.dense: a record names no files/,
  ],
  [
    'a path that was asked for',
    { method: 'snows', asked: { dense: 'a' }, settings: {} },
    /asked\.dense: a record names/,
  ],
  ['a budget of a method without one', { flops: 0.5 }, /flops: obc does not choose weights by scores/],
  [
    'a budget beside another scope',
    { method: 'magnitude', settings: {}, scope: 'erk', flops: 0.5 },
    /flops: needs .* expected scope global, found erk/,
  ],
  ['a budget of nothing', { method: 'magnitude', settings: {}, flops: 0 }, /flops: expected more than 0, found 0/],
  ['a value that is none', { asked: { polish: 'rm -rf' } }, /asked: polish: expected a value of type number/],
  [
    'a scope of other methods',
    { method: 'cbs', scope: 'erk', settings: {} },
    /scope: expected global for cbs, found erk/,
  ],
  ['more weights than there are', { layers: [{ name: 'fc1.weight', size: 2, kept: 3 }] }, /fc1\.weight keeps 3 of 2/],
  [
    'more right than there are',
    { final: { loss: 0, correct: 10_001, count: 10_000 } },
    /final: .* found 10001 of 10000/,
  ],
  ['other test samples', { final: { loss: 0, correct: 1, count: 10 } }, /final: expected up to 10000 .* found 1 of 10/],
  [
    'markup in a name',
    { checkpoint: { name: 'a|b<i>', sha256: 'a'.repeat(64), bytes: 1 } },
    /checkpoint\.name: expected/,
  ],
  ['a path in a name', { checkpoint: { name: '/etc/passwd', sha256: 'a'.repeat(64), bytes: 1 } }, /checkpoint\.name: /],
  ['a key that nobody knows', { command: 'rm -rf /' }, /unknown key command/],
  ['a sparsity of all', { sparsity: 1 }, /sparsity: expected less than 1, found 1/],
  ['another form', { format: 'espalier prune record 9' }, /format: expected one of espalier prune record 1/],
])('%s is refused in a sentence', (_, changes, message) => {
  const { digest: _digest, ...record } = recordWith()
  const path = writeRecordFile(file(), sealed({ ...record, ...changes }))
  expect(() => readRecord(path)).toThrow(message)
})

it('of all settings of all methods, --dense of snows and a start that is no name may be files', () => {
  const texts = Object.entries<Method>(methods).flatMap(([name, method]) =>
    method.takes.filter((setting) => namesFile(method, setting, 'masks.safetensors')).map((setting) => [name, setting]),
  )
  const starting = ['woodfisher', 'woodtaylor', 'cbs-select', 'cbs-update', 'cbs']
  expect(texts).toEqual([...starting.map((name) => [name, 'start']), ['snows', 'dense']])
  expect(namesFile(methods.cbs, 'start', 'woodfisher')).toBe(false)
  expect(namesFile(methods.cbs, 'scale', 0.5)).toBe(false)
})

it('settings of a start are those of a record, a file is not', () => {
  const record = (settings: object) => {
    const { digest: _digest, ...all } = recordWith()
    return writeRecordFile(file(), sealed({ ...all, method: 'cbs', asked: settings, settings }))
  }
  const settings = { start: 'magnitude', search: 'layer', scale: 0.5 }
  expect(readRecord(record(settings)).settings).toEqual(settings)
  expect(() => readRecord(record({ start: 'masks.safetensors' }))).toThrow(/asked.start: a record names no files$/)
  expect(() => readRecord(record({ search: 'none', tau: 3 }))).toThrow(
    /asked.tau: cbs with search none has no use for it/,
  )
})

it('what is no JSON, no object, or far too large is refused', () => {
  const path = file()
  for (const [text, message] of [
    ['{', /is no record: expected JSON/],
    ['[]', /record: expected a value of type object, found a list/],
    ['{"__proto__": {"polluted": 1}}', /format: expected/],
  ] as const) {
    writeFileSync(path, text)
    expect(() => readRecord(path)).toThrow(message)
  }
  truncateSync(path, 5e6)
  expect(() => readRecord(path)).toThrow(/expected a record of at most 4000000 bytes, found 5000000/)
  expect(() => readRecord('/none')).toThrow(/cannot read \/none: there is no such file/)
})

it.each([' .@_-', '._+-', '._*:,/ -'])('the sentence on texts that may hold %j says what they may hold', (signs) => {
  const [{ message }] = plainText(7, signs).safeParse('a|b').error!.issues
  const spaces = signs.includes(' ') ? ', spaces' : ''
  expect(message).toBe(`expected at most 7 letters, digits${spaces} and ${signs.replace(' ', '')}`)
  expect(plainText(7, signs).safeParse('a b').success).toBe(spaces !== '')
})

it('what a machine is called loses what a table would take for something else', () => {
  expect(plain('Intel(R) Xeon(R) CPU @ 2.20GHz', 80)).toBe('Intel(R) Xeon(R) CPU @ 2.20GHz')
  expect(plain('a|b\n<i>`c`', 80)).toBe('a b i c')
  expect(plain('\u001b\n', 80)).toBe('unknown')
  expect(plain('abcdef', 3)).toBe('abc')
})
