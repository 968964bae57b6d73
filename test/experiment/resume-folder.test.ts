import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { encodeSafetensors, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { machine } from '../train/small.ts'
import { tiny, tinyRecipe } from './tiny.ts'

const shared = mkdtempSync(join(tmpdir(), 'espalier-'))
afterAll(() => rmSync(shared, { recursive: true }))

beforeAll(async () => {
  const controller = new AbortController()
  const outcome = await runRecipe(tinyRecipe(), {
    out: shared,
    machine,
    signal: controller.signal,
    checkpointSeconds: 1000,
    onEvent: (event) => event.type === 'progress' && event.step === 20 && controller.abort(),
  })
  expect(outcome).toEqual({ folder: shared, interrupted: true })
})

/** A run that was stopped after 20 steps. */
function interrupted(): string {
  const out = temporaryFolder()
  cpSync(shared, out, { recursive: true })
  return out
}
const resume = (out: string, recipe = tinyRecipe()) => runRecipe(recipe, { out, resume: true, machine })

const bytesOf = (folder: string) => Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))))
const checkpoint = (out: string) => join(out, 'checkpoint.safetensors')
const withProgress = (out: string, progress: string) => {
  const { tensors, metadata } = readSafetensors(checkpoint(out))
  writeSafetensors(checkpoint(out), { tensors, metadata: { ...metadata, progress } })
}
const noProgress = /checkpoint\.safetensors is not the checkpoint of a run: its metadata has no valid progress/

it.each<[string, (out: string) => void, RegExp]>([
  ['an empty checkpoint', (out) => writeFileSync(checkpoint(out), ''), /expected at least 8 bytes, found 0/],
  [
    'a checkpoint cut short',
    (out) => writeFileSync(checkpoint(out), readFileSync(checkpoint(out)).subarray(0, 100_000)),
    /is not a valid safetensors file: tensor .* lies at bytes/,
  ],
  [
    'metrics cut short',
    (out) => truncateSync(join(out, 'metrics.jsonl'), 10),
    /metrics\.jsonl is damaged: expected at least the \d+ bytes of the checkpoint, found 10/,
  ],
  ['a byte too many', (out) => appendFileSync(checkpoint(out), 'x'), /1 bytes follow the last tensor/],
  [
    'a damaged header',
    (out) => writeFileSync(checkpoint(out), readFileSync(checkpoint(out)).fill(0, 8, 20)),
    /not JSON/,
  ],
  ['a file without state', (out) => cpSync(join(out, 'dense.safetensors'), checkpoint(out)), noProgress],
  ['no progress', (out) => withProgress(out, ''), noProgress],
  ['null as progress', (out) => withProgress(out, 'null'), noProgress],
  ['progress without a step', (out) => withProgress(out, '{"sums":{},"metricsBytes":0,"seconds":0}'), noProgress],
  [
    'a missing tensor',
    (out) => {
      const file = readSafetensors(checkpoint(out))
      file.tensors.delete('fc2.weight.momentum')
      writeFileSync(checkpoint(out), encodeSafetensors(file))
    },
    /checkpoint\.safetensors has no tensor fc2\.weight\.momentum/,
  ],
])('%s is refused in one sentence, and nothing is changed', async (_, damage, message) => {
  const out = interrupted()
  damage(out)
  const before = bytesOf(out)
  const error = await resume(out).catch((reason) => reason)
  expect(error).toBeInstanceOf(UserError)
  expect(error.message).toMatch(message)
  expect(error.message).not.toContain('\n')
  const path = checkpoint(out)
  expect(error.message).toMatch(new RegExp(`; delete ${path} and resume to begin the run anew, or use --force$`))
  expect(bytesOf(out).equals(before)).toBe(true)
})

it('metrics that are younger than the checkpoint are written anew, not twice', async () => {
  const metrics = (out: string) => readFileSync(join(out, 'metrics.jsonl'), 'utf8')
  const [out, other] = [interrupted(), interrupted()]
  appendFileSync(join(other, 'metrics.jsonl'), '{"type":"prune","step":25,"target":0}\n{"type":"epo')
  await resume(out)
  await resume(other)
  const withoutTime = (text: string) => text.replace(/"seconds":[\d.]+|"time":"[^"]+"/g, '')
  expect(withoutTime(metrics(other))).toBe(withoutTime(metrics(out)))
})

it('with the checkpoint whole again, the run goes on', async () => {
  const out = interrupted()
  writeFileSync(checkpoint(out), '')
  await expect(resume(out)).rejects.toThrow(UserError)
  cpSync(checkpoint(shared), checkpoint(out))
  expect(await resume(out)).toMatchObject({ interrupted: false, result: { sparsity: 0.9 } })
})

it('without its checkpoint it begins anew, and says so', async () => {
  const out = interrupted()
  rmSync(checkpoint(out))
  const notices: string[] = []
  const onEvent = (event: RunEvent) => void (event.type === 'notice' && notices.push(event.text))
  const outcome = await runRecipe(tinyRecipe(), { out, resume: true, machine, onEvent })
  expect(outcome).toMatchObject({ interrupted: false, result: { sparsity: 0.9 } })
  expect(notices).toEqual([`there is no checkpoint in ${out} yet: the run begins anew`])
})

it('another recipe is refused', async () => {
  const out = interrupted()
  const other = checkRecipe({ ...tiny, seed: 1 }, 'tiny')
  await expect(resume(out, other)).rejects.toThrow(
    new UserError(
      `${join(out, 'recipe.yaml')} differs from the recipe given: resume with the same recipe, seed and --set`,
    ),
  )
})

it('a recipe that is damaged is called so, also where the run is complete', async () => {
  const out = interrupted()
  const file = join(out, 'recipe.yaml')
  for (const report of [false, true]) {
    if (report) writeFileSync(join(out, 'report.md'), '')
    writeFileSync(file, 'name: [')
    await expect(resume(out)).rejects.toThrow(`${file} is not valid YAML: `)
    writeFileSync(file, Buffer.from([0xff, 0xfe]))
    await expect(resume(out)).rejects.toThrow(`${file} is not text: `)
  }
})

it('a complete run is not resumed', async () => {
  const out = interrupted()
  await resume(out)
  await expect(resume(out, checkRecipe({ ...tiny, seed: 1 }, 'tiny'))).rejects.toThrow(
    `${join(out, 'recipe.yaml')} differs from the recipe given`,
  )
  await expect(resume(out)).rejects.toThrow(
    new UserError(`${out}: this run is complete; see ${join(out, 'report.md')}`),
  )
})

it('what a killed process left half-written is cleared away', async () => {
  const out = interrupted()
  writeFileSync(`${checkpoint(out)}.12345.tmp`, 'half')
  writeFileSync(join(out, 'mine.tmp'), 'kept')
  await resume(out)
  expect(readdirSync(out).filter((file) => file.endsWith('.tmp'))).toEqual(['mine.tmp'])
})
