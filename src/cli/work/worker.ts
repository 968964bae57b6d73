/** @file The work of espalier worker. */
import { availableParallelism } from 'node:os'
import type { WorkerEvent } from '../../sweep/queue/worker.ts'
import { clock, percent } from '../../util/format.ts'
import { optional } from '../../util/optional.ts'
import { commandFile } from '../../util/package.ts'
import { interruptedStatus, interruptible } from '../display/interruptible.ts'
import { print } from '../display/output.ts'
import { exitWith } from '../io.ts'

export interface WorkerOptions {
  redis: string
  concurrency: number
  threads?: number
  lockSeconds: number
}

export async function workOn(options: WorkerOptions): Promise<void> {
  const { concurrency, lockSeconds } = options
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / concurrency))
  const [{ openRedis }, { work }] = await optional(['bullmq', 'ioredis'], 'a worker', () =>
    Promise.all([import('../../sweep/queue/redis.ts'), import('../../sweep/queue/worker.ts')]),
  )
  const redis = await openRedis(options.redis, print)
  const { signal, received, release } = interruptible(() => {})
  const command = [commandFile()]
  print(`waiting for runs, ${concurrency} at a time; Ctrl-C ends`)
  try {
    await work({
      redis,
      concurrency,
      threads,
      lockSeconds,
      command,
      signal,
      onEvent: (event) => print(lineOf(event)),
    })
  } finally {
    release()
    redis.disconnect()
  }
  exitWith(interruptedStatus(received()))
}

function lineOf(event: WorkerEvent): string {
  if (event.type === 'start') return `${event.run} begins`
  if (event.type === 'failed') return `${event.run} failed: ${event.reason}`
  if (event.type === 'returned') return `${event.run} goes back to the queue`
  if (!event.result) return `${event.run}: what others go on from is trained`
  const { final, sparsity, seconds } = event.result
  return `${event.run}: ${percent(final.accuracy)}, sparsity ${percent(sparsity)}, ${clock(seconds)}`
}
