import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { compiled, espalier, finish, jsonLines, start } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { rows } from '../support/breadth.ts'
import { sets } from '../support/engines.ts'
import { tiny, writeTiny } from './tiny.ts'

const shared = mkdtempSync(join(tmpdir(), 'espalier-'))
/** 12 epochs of 15 steps: long enough that a signal arrives before the end. */
const recipe = writeTiny(shared, { train: { ...tiny.train, epochs: 12 } })
afterAll(() => rmSync(shared, { recursive: true }))

/** Everything that a finished run leaves, times and number of threads aside. */
function remains(folder: string): Record<string, unknown> {
  const { tensors, metadata } = readSafetensors(join(folder, 'checkpoint.safetensors'))
  const { seconds: _, ...progress } = JSON.parse(metadata.progress)
  const metrics = jsonLines(readFileSync(join(folder, 'metrics.jsonl'), 'utf8'))
  delete metrics.at(-1)?.seconds
  for (const line of metrics) delete line.time
  const report = readFileSync(join(folder, 'report.md'), 'utf8')
  return {
    files: readdirSync(folder).sort(),
    checkpoint: [...tensors].map(([name, { dtype, shape, data }]) => [name, dtype, shape, digest(data)]),
    metadata: { ...metadata, progress },
    metrics,
    model: digest(readFileSync(join(folder, 'model.safetensors'))),
    dense: digest(readFileSync(join(folder, 'dense.safetensors'))),
    report: report.replace(/^\| training time.*$/m, '').replace(/\d threads?/, ''),
  }
}
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let expected: Record<string, unknown>
beforeAll(async () => {
  await compiled()
  expect(await espalier(['run', recipe, '--quiet', '--out', join(shared, 'whole')])).toMatchObject({
    code: 0,
    stderr: '',
  })
  expected = remains(join(shared, 'whole'))
}, 120_000)

/** Waits until the run has told of that step. */
async function reached(child: ChildProcess, step: number): Promise<void> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const event = JSON.parse(line)
    if (event.type === 'progress' && event.step >= step) break
  }
  child.stdout!.resume()
}

const args = (out: string, checkpointSeconds: number) => [
  'run',
  recipe,
  '--json-steps',
  '--out',
  out,
  '--checkpoint-seconds',
  String(checkpointSeconds),
]

it('killed again and again, with other numbers of threads, it ends with the same bits', async () => {
  const out = join(temporaryFolder(), 'run')
  // Before the first event, between events, at the end of an epoch, after the last event; and some
  // milliseconds later.
  const kills = [
    [9, 3, 2],
    [2, 0, 1],
    [29, 1, 1],
    [24, 7, 4],
    [41, 5, 2],
    [120, 2, 1],
  ]
  for (const [step, delay, threads] of rows(kills, (_, i) => i % 3 === 0)) {
    const env = { ESPALIER_THREADS: String(sets.length ? threads : 1) }
    const child = start([...args(out, 0), ...(existsSync(out) ? ['--resume'] : [])], { env })
    await reached(child, step)
    await setTimeout(delay)
    child.kill('SIGKILL')
    expect(await finish(child)).toMatchObject({ signal: 'SIGKILL', stderr: '' })
  }
  expect(await espalier([...args(out, 0), '--resume'])).toMatchObject({ code: 0, stderr: '' })
  expect(remains(out)).toEqual(expected)
}, 60_000)

it('killed before the first checkpoint, it begins again', async () => {
  const out = join(temporaryFolder(), 'run')
  const child = start(args(out, 1000))
  await reached(child, 20)
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(existsSync(join(out, 'checkpoint.safetensors'))).toBe(false)
  const { code, stdout } = await espalier([...args(out, 1000), '--resume'])
  expect(code).toBe(0)
  expect(jsonLines(stdout)[0].resumedAt).toBeUndefined()
  expect(remains(out)).toEqual(expected)
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves a checkpoint to resume from and the exit code %i', async (signal, exitCode) => {
  const out = join(temporaryFolder(), 'run')
  const child = start(args(out, 0))
  await reached(child, 5)
  child.kill(signal)
  const [code] = await once(child, 'close')
  expect(code).toBe(exitCode)
  expect(readdirSync(out)).toContain('checkpoint.safetensors')
  expect(readdirSync(out)).not.toContain('lock.json')
  const { stdout } = await espalier([...args(out, 1000), '--resume'])
  expect(jsonLines(stdout)[0].resumedAt).toBeGreaterThanOrEqual(5)
  expect(remains(out)).toEqual(expected)
})

it('an interrupted run says how to go on, and that is right', async () => {
  const out = join(temporaryFolder(), 'run')
  const child = start(['run', recipe, '--out', out, '--seed', '5', '--set', 'train.epochs=1000000'])
  const finished = finish(child)
  await once(child.stdout!, 'data')
  await setTimeout(300)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await finished
  expect([code, stderr]).toEqual([130, ''])
  const [, command] = /interrupted; go on with: espalier (.*)\n$/.exec(stdout) ?? []
  expect(command).toMatch(/^run .* --resume --out .*run$/)
  const again = start(command.split(' '))
  const resumed = finish(again)
  await once(again.stdout!, 'data')
  again.kill('SIGINT')
  expect(await resumed).toMatchObject({ code: 130, stdout: expect.stringContaining(`resuming ${out} at step`) })
})
