import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { expect, it } from 'vitest'
import { packRun, unpackRun } from '../../../src/sweep/queue/message.ts'
import { UserError } from '../../../src/util/errors.ts'
import { temporaryFolder } from '../../cli/temporary.ts'

const recipe = 'name: tiny\nseed: 1\n'
const files: Record<string, string> = {
  'recipe.yaml': recipe,
  'environment.json': '{}\n',
  'metrics.jsonl': '{"type":"epoch"}\n{"type":"final","seconds":3}\n',
  'model.safetensors': 'weights '.repeat(1000),
  'report.md': '# tiny\n',
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
const message = (changes: Record<string, string | undefined> = {}) => {
  const entries = Object.entries({ ...files, ...changes }).filter(([, text]) => text !== undefined)
  return zipSync(Object.fromEntries(entries.map(([name, text]) => [name, bytesOf(text!)])))
}

it('a complete run there and back, compressed, without its checkpoint', async () => {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  writeFileSync(join(folder, 'checkpoint.safetensors'), 'momentum')
  const packed = await packRun(folder)
  expect(packed.length).toBeLessThan(3000)
  const target = join(temporaryFolder(), 'run')
  mkdirSync(target)
  writeFileSync(join(target, 'checkpoint.safetensors'), 'of a run that was begun here')
  expect(await unpackRun(packed, target, recipe)).toMatchObject({ seconds: 3 })
  expect(readdirSync(target).sort()).toEqual(Object.keys(files).sort())
  for (const [name, text] of Object.entries(files)) expect(readFileSync(join(target, name), 'utf8')).toBe(text)
})

it('files that no run has stay out', async () => {
  const folder = temporaryFolder()
  const target = join(folder, 'run')
  await unpackRun(message({ '../outside.txt': 'x', 'lock.json': '{}' }), target, recipe)
  expect(existsSync(join(folder, 'outside.txt'))).toBe(false)
  expect(readdirSync(target).sort()).toEqual(Object.keys(files).sort())
})

it.each([
  ['of another recipe', message({ 'recipe.yaml': 'name: tiny\nseed: 2\n' }), /of another recipe/],
  ['without a recipe', message({ 'recipe.yaml': undefined }), /of another recipe/],
  ['without a report', message({ 'report.md': undefined }), /lacks the metrics or the report/],
  ['without metrics', message({ 'metrics.jsonl': undefined }), /lacks the metrics or the report/],
  ['of a run that is not complete', message({ 'metrics.jsonl': '{"type":"epoch"}\n' }), /do not end with the line/],
  ['cut short', message().slice(0, 300), /damaged/],
  ['of other bytes', bytesOf('not an archive'), /damaged/],
])('refused: %s', async (_, bytes, sentence) => {
  const unpacking = unpackRun(bytes, join(temporaryFolder(), 'run'), recipe)
  await expect(unpacking).rejects.toThrow(UserError)
  await expect(unpacking).rejects.toThrow(sentence)
})
