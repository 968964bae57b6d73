/**
 * @file The runs of a sweep through a queue: their jobs are added, and results stored as they come. What the
 * queue holds is the truth; its events only say where to look, so that none may be missed.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { version } from '../../util/version.ts'
import { type Job, jobOf, runFolder } from '../job.ts'
import type { RunCells } from '../sweep.ts'
import type { Cell } from '../sweep-file.ts'
import type { Tracker } from '../tracker.ts'
import { sharedTrunks } from '../trunk.ts'
import { unpackRun } from './message.ts'
import { dropResult, hasResult, QUEUE, takeResult } from './queue.ts'

export interface QueueOptions {
  redis: Redis
  /** What is worth a line to a person. */
  onNotice(text: string): void
}

/** Milliseconds between looks at all jobs. */
const PACE = 15_000

export const queued =
  ({ redis, onNotice }: QueueOptions): RunCells =>
  async (cells, { out, tracker, signal }) => {
    if (cells.length === 0) return
    const coordinator = new Coordinator(redis, out, tracker, cells)
    try {
      await coordinator.go(signal, onNotice)
    } finally {
      await coordinator.close()
    }
  }

class Coordinator {
  readonly #redis: Redis
  readonly #out: string
  readonly #tracker: Tracker
  /** Cells that wait for their result, by the id of their job. */
  readonly #open: Map<string, Cell>
  /** Jobs whose trunks cells go on from, by the name of the cell. */
  readonly #trunks: ReadonlyMap<string, string>
  readonly #running = new Set<string>()
  readonly #queue: Queue<Job>
  #events?: QueueEvents
  /** What is to be done, one thing after the other. */
  #work: Promise<void> = Promise.resolve()
  #ended!: () => void
  #failed!: (error: Error) => void
  readonly #end = new Promise<void>((resolve, reject) => {
    this.#ended = resolve
    this.#failed = reject
  })

  constructor(redis: Redis, out: string, tracker: Tracker, cells: readonly Cell[]) {
    this.#redis = redis
    this.#out = out
    this.#tracker = tracker
    const sweep = idOf(out)
    this.#open = new Map(cells.map((cell) => [`${sweep}-${cell.name}`, cell]))
    this.#trunks = new Map([...sharedTrunks(cells)].map(([name, trunk]) => [name, `${sweep}-trunk-${trunk}`]))
    this.#queue = new Queue<Job>(QUEUE, { connection: redis })
    this.#queue.on('error', () => {}) // The connection has said it.
  }

  async go(signal: AbortSignal, onNotice: (text: string) => void): Promise<void> {
    const [last] = await this.#redis.xrevrange(this.#queue.toKey('events'), '+', '-', 'COUNT', 1)
    this.#listen(last?.[0] ?? '0-0')
    let looking = false
    const lookAtAll = () => {
      if (looking) return
      looking = true
      this.#then(async () => {
        for (const id of this.#open.keys()) if (!signal.aborted) await this.#look(id)
        looking = false
      })
    }
    signal.addEventListener('abort', this.#ended)
    if (signal.aborted) this.#ended()
    this.#redis.on('ready', lookAtAll)
    const timer = setInterval(lookAtAll, PACE)
    lookAtAll()
    this.#then(async () => {
      if (this.#open.size > 0 && (await this.#queue.getWorkersCount()) === 0)
        onNotice(
          `no worker is there yet; start one, on any machine, with: espalier worker --redis URL (version ${version()})`,
        )
    })
    try {
      await this.#end
    } finally {
      clearInterval(timer)
      this.#redis.off('ready', lookAtAll)
      signal.removeEventListener('abort', this.#ended)
    }
    if (signal.aborted && this.#redis.status === 'ready') await this.#withdraw()
    if (this.#open.size === 0) for (const trunk of new Set(this.#trunks.values())) await this.#forget(trunk)
  }

  /** Does not wait for a Redis that is away. */
  async close(): Promise<void> {
    const closing = Promise.all([this.#events?.close(), this.#queue.close()])
    if (this.#redis.status === 'ready') await closing
    else closing.catch(() => {})
  }

  #listen(lastEventId: string): void {
    const events = new QueueEvents(QUEUE, { connection: this.#redis, lastEventId })
    this.#events = events
    events.on('error', () => {})
    const look = ({ jobId }: { jobId: string }) => {
      for (const id of this.#concerned(jobId)) this.#then(() => this.#look(id))
    }
    events.on('active', look).on('completed', look).on('failed', look)
    events.on('progress', ({ jobId, data }) => {
      const cell = this.#open.get(this.#concerned(jobId)[0])
      if (cell && typeof data === 'number') this.#tracker.progress(cell, data)
    })
    events.on('stalled', ({ jobId }) => {
      const [id] = this.#concerned(jobId)
      const cell = this.#open.get(id)
      if (cell && this.#running.delete(id)) this.#tracker.lost(cell)
    })
  }

  /** The cells that a job is of: those that wait for a trunk, of which the first is shown as running. */
  #concerned(jobId: string): string[] {
    const waiting = [...this.#open].filter(([, cell]) => this.#trunks.get(cell.name) === jobId).map(([id]) => id)
    return waiting.length > 0 ? waiting : [jobId]
  }

  #then(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch(this.#failed)
  }

  /** Does what the state of a job asks for. */
  async #look(id: string): Promise<void> {
    const cell = this.#open.get(id)
    if (!cell) return
    const job = await this.#queue.getJob(id)
    if (!job) return this.#add(id, cell)
    const state = await job.getState()
    if (state === 'active') this.#start(id, cell)
    else if (state === 'completed') await this.#store(id, cell)
    else if (state === 'failed') await this.#fail(id, cell, job.failedReason ?? 'it does not say why')
  }

  /** Adds a job; where its trunk is not there, only sees to it that it will be. */
  async #add(id: string, cell: Cell): Promise<void> {
    const from = this.#trunks.get(cell.name)
    if (from !== undefined && !(await hasResult(this.#redis, from))) return this.#train(from, id, cell)
    this.#running.delete(id)
    await this.#queue.add(cell.name, { ...jobOf(cell), from }, { jobId: id })
  }

  async #train(trunk: string, id: string, cell: Cell): Promise<void> {
    const job = await this.#queue.getJob(trunk)
    const state = await job?.getState()
    if (state === 'active' && this.#concerned(trunk)[0] === id) this.#start(id, cell)
    if (state === 'failed') {
      await this.#forget(trunk)
      for (const waiting of this.#concerned(trunk))
        await this.#fail(waiting, this.#open.get(waiting)!, job?.failedReason ?? 'it does not say why')
      return
    }
    if (await hasResult(this.#redis, trunk)) return this.#add(id, cell) // It has come in the meantime.
    if (job !== undefined && state !== 'completed') return
    await this.#forget(trunk) // Where its result has become too old.
    const beginning = { ...jobOf(cell), run: `beginning of ${cell.name}`, untilPruning: true }
    await this.#queue.add(trunk, beginning, { jobId: trunk })
  }

  #start(id: string, cell: Cell): void {
    if (this.#running.has(id)) return
    this.#running.add(id)
    this.#tracker.start(cell)
  }

  /** First to the disk, then out of Redis: a coordinator that is killed in between finds both. */
  async #store(id: string, cell: Cell): Promise<void> {
    const message = await takeResult(this.#redis, id)
    try {
      if (!message) throw new UserError('its result is no longer in Redis')
      const result = await unpackRun(message, runFolder(this.#out, cell.name), jobOf(cell).recipe)
      this.#start(id, cell)
      this.#tracker.done(cell, result)
    } catch (error) {
      if (error instanceof UserError) return this.#fail(id, cell, error.message)
      throw error
    }
    await this.#forget(id)
    this.#close(id)
  }

  async #fail(id: string, cell: Cell, reason: string): Promise<void> {
    await this.#forget(id)
    if (this.#tracker.fail(cell, reason)) await this.#add(id, cell)
    else this.#close(id)
  }

  async #forget(id: string): Promise<void> {
    await this.#queue.remove(id)
    await dropResult(this.#redis, id)
  }

  #close(id: string): void {
    this.#open.delete(id)
    if (this.#open.size === 0) this.#ended()
  }

  /** Takes back what no worker has begun; results of the others wait in Redis until the sweep is resumed. */
  async #withdraw(): Promise<void> {
    await this.#work
    for (const id of [...this.#open.keys(), ...this.#trunks.values()]) {
      const job = await this.#queue.getJob(id)
      if ((await job?.getState()) === 'waiting') await this.#queue.remove(id)
    }
  }
}

/** What names a sweep in the queue, kept in its folder, so that a resumed sweep finds its jobs. */
function idOf(out: string): string {
  const file = join(out, 'queue.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).id
  const id = randomUUID()
  writeAtomically(file, `${JSON.stringify({ id })}\n`)
  return id
}
