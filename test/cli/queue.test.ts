import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { writeTiny } from '../experiment/tiny.ts'
import { isFull } from '../support/breadth.ts'
import { hasRedis, RedisServer } from '../support/redis-server.ts'
import { compiled, espalier, jsonLines, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** A process whose output can be waited for. */
class Watched {
  readonly child: ChildProcess
  readonly #ended: Promise<unknown[]>
  text = ''

  constructor(args: readonly string[]) {
    this.child = start(args)
    this.#ended = once(this.child, 'close')
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding('utf8').on('data', (text) => (this.text += text))
  }

  says(text: string): Promise<void> {
    return expect.poll(() => this.text, { timeout: 30_000, interval: 20 }).toContain(text) as unknown as Promise<void>
  }

  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.child.kill(signal)
    return (await this.#ended)[0] as number | null
  }

  /** Runs that it has told of, in order. */
  runs(type: string): unknown[] {
    return jsonLines(this.text)
      .filter((line) => line.type === type)
      .map(({ run }) => run)
  }
}

describe.skipIf(!hasRedis)('sweeps through a queue', { timeout: 60_000 }, () => {
  let server: RedisServer
  let redis: Redis
  const workers: Watched[] = []

  beforeAll(async () => {
    await compiled()
    server = await RedisServer.start()
    redis = new Redis(server.url, { maxRetriesPerRequest: null })
    redis.on('error', () => {}) // It is killed below.
  }, 120_000)

  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.end('SIGKILL')
    await redis.flushall()
  })

  afterAll(async () => {
    redis.disconnect()
    await server.remove()
  })

  async function addWorker(...flags: string[]): Promise<Watched> {
    const worker = new Watched(['worker', '--redis', server.url, '--threads', '1', ...flags])
    workers.push(worker)
    await worker.says('waiting for runs')
    return worker
  }

  function writeSweep(grid: object, set: object): string[] {
    const folder = temporaryFolder()
    writeTiny(folder)
    writeFileSync(join(folder, 'sweep.yaml'), stringify({ name: 'queued', recipe: 'tiny.yaml', set, grid }))
    const out = join(folder, 'sweep')
    return ['sweep', join(folder, 'sweep.yaml'), '--out', out, '--redis', server.url, '--json-steps']
  }

  const outOf = (args: readonly string[]) => args[args.indexOf('--out') + 1]
  const failures = (args: readonly string[]) => {
    const file = join(outOf(args), 'failures.jsonl')
    return existsSync(file) ? jsonLines(readFileSync(file, 'utf8')) : []
  }
  /** Nothing of jobs and results is left behind. */
  const leftovers = async () => (await redis.keys('*')).filter((key) => /:result:|:[0-9a-f]{8}-/.test(key))

  it('two workers, every result once, the files of a local run', async () => {
    const args = writeSweep({ seed: [0, 1, 2] }, { 'train.epochs': 3 })
    const [one, two] = await Promise.all([addWorker(), addWorker()])
    const sweep = new Watched(args)
    const local = join(temporaryFolder(), 'local')
    const recipe = join(outOf(args), '../tiny.yaml')
    await espalier(['run', recipe, '--set', 'train.epochs=3', '--seed', '2', '--quiet', '--out', local])
    expect(await sweep.end()).toBe(0)
    expect(sweep.runs('done').sort()).toEqual(['0', '1', '2'])
    for (const worker of [one, two]) expect(worker.text).toMatch(/^\d: \d/m)
    expect([failures(args), await leftovers()]).toEqual([[], []])

    const far = join(outOf(args), 'runs/2')
    expect(readdirSync(far)).toEqual(readdirSync(local).filter((file) => file !== 'checkpoint.safetensors'))
    for (const file of ['model.safetensors', 'dense.safetensors', 'recipe.yaml'])
      expect(readFileSync(join(far, file)).equals(readFileSync(join(local, file)))).toBe(true)
  })

  it.runIf(isFull)('trains once what runs share before they prune; it changes nothing', async () => {
    const args = writeSweep(
      { 'prune.sparsity': [0.5, 0.7, 0.9], seed: [0, 1] },
      { 'prune.start': '1ep', 'prune.end': '2ep' },
    )
    const workers = await Promise.all([addWorker(), addWorker()])
    const sweep = new Watched(args)
    const local = join(temporaryFolder(), 'local')
    const changes = ['prune.start=1ep', 'prune.end=2ep', 'prune.sparsity=0.7'].flatMap((change) => ['--set', change])
    await espalier(['run', join(outOf(args), '../tiny.yaml'), ...changes, '--seed', '1', '--quiet', '--out', local])
    expect(await sweep.end()).toBe(0)
    expect(sweep.runs('done')).toHaveLength(6)
    const told = workers.map(({ text }) => text).join('')
    expect(told.match(/^beginning of .*: what others go on from is trained$/gm)).toHaveLength(2)
    const far = join(outOf(args), 'runs/0.7-1')
    for (const file of ['model.safetensors', 'dense.safetensors', 'recipe.yaml'])
      expect(readFileSync(join(far, file)).equals(readFileSync(join(local, file)))).toBe(true)
    expect([failures(args), await leftovers()]).toEqual([[], []])
  })

  it.runIf(isFull)('tries what runs share three times, and then fails them all', async () => {
    const args = writeSweep(
      { 'prune.sparsity': [0.5, 0.9] },
      { 'prune.start': '1ep', 'prune.end': '2ep', 'model.weights': 'nowhere/none.safetensors' },
    )
    const sweep = new Watched(args)
    const worker = await addWorker()
    expect(await sweep.end()).toBe(1)
    expect(worker.text.match(/^beginning of .* begins$/gm)).toHaveLength(3)
    expect(failures(args)).toHaveLength(6)
    expect(await leftovers()).toEqual([])
  })

  it('a worker that is killed in the middle of a job: another takes it', async () => {
    const args = writeSweep({ seed: [0] }, { 'train.epochs': 40 })
    const sweep = new Watched(args)
    const lock = ['--lock-seconds', '2']
    const [one, two] = await Promise.all([addWorker(...lock), addWorker(...lock)])
    await sweep.says('"progress"')
    const [victim, other] = one.text.includes('0 begins') ? [one, two] : [two, one]
    await victim.end('SIGKILL')
    expect(await sweep.end()).toBe(0)
    expect(sweep.runs('done')).toEqual(['0'])
    expect([victim.text, other.text]).toEqual([expect.not.stringMatching(/^0: \d/m), expect.stringMatching(/^0: \d/m)])
    // More than once where the machine is so busy that the other one is late to renew its lock.
    expect(failures(args)).toContainEqual({ run: '0', attempt: 1, reason: 'its worker went away' })
    expect(new Set(failures(args).map(({ reason }) => reason))).toEqual(new Set(['its worker went away']))
  })

  it.runIf(isFull)('Redis is killed and started again: the sweep goes on', async () => {
    const args = writeSweep({ seed: [0, 1] }, { 'train.epochs': 20 })
    const sweep = new Watched(args)
    const worker = await addWorker()
    await sweep.says('"progress"')
    await server.kill()
    await Promise.all([worker.says('went away; waiting for it'), sweep.says('went away; waiting for it')])
    await server.start()
    expect(await sweep.end()).toBe(0)
    expect(sweep.runs('done').sort()).toEqual(['0', '1'])
    expect(sweep.text).toContain('is back')
  })

  it.runIf(isFull)('a coordinator that ends takes back what waits, and later collects what was begun', async () => {
    const args = writeSweep({ seed: [0, 1] }, { 'train.epochs': 20 })
    const sweep = new Watched(args)
    await sweep.says('no worker is there yet')
    const worker = await addWorker()
    await sweep.says('"progress"')
    expect(await sweep.end('SIGINT')).toBe(130)
    await worker.says('0: ')
    const resumed = new Watched([...args, '--resume'])
    expect(await resumed.end()).toBe(0)
    expect(resumed.runs('done')).toEqual(['0', '1'])
    expect(worker.text.match(/begins/g)).toHaveLength(2)
  })

  it.runIf(isFull)('Ctrl-C gives what a worker runs back to the queue', async () => {
    const sweep = new Watched(writeSweep({ seed: [0] }, { 'train.epochs': 20 }))
    const [one, two] = await Promise.all([addWorker(), addWorker()])
    await sweep.says('"progress"')
    const [first, second] = one.text.includes('0 begins') ? [one, two] : [two, one]
    expect(await first.end('SIGINT')).toBe(130)
    expect(first.text).toContain('0 goes back to the queue')
    expect(await sweep.end()).toBe(0)
    expect(second.text).toMatch(/^0: \d/m)
  })

  it.runIf(isFull)('a worker without a file that a recipe names says which', async () => {
    const args = writeSweep({ 'model.weights': ['nowhere/none.safetensors'] }, {})
    const sweep = new Watched(args)
    await addWorker()
    expect(await sweep.end()).toBe(1)
    const reason = expect.stringMatching(/cannot read nowhere\/none\.safetensors: there is no such file or folder/)
    expect(failures(args)).toMatchObject([{ reason }, { reason }, { reason }])
  })
})
