/** @file espalier worker: takes the runs of sweeps from a queue. */
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import type { WorkerEvent } from '../../sweep/queue/worker.ts'
import { clock, percent } from '../../util/format.ts'
import { optional } from '../../util/optional.ts'
import { commandFile } from '../../util/package.ts'
import { interruptible } from '../display/interruptible.ts'
import { print } from '../display/output.ts'
import { wholeNumber } from '../flags/numbers.ts'

interface Options {
  redis: string
  concurrency: string
  threads?: string
  lockSeconds: string
}

export const workerCommand = new Command('worker')
  .description('run what sweeps put on a queue (espalier sweep --redis), on this machine')
  .requiredOption('--redis <url>', 'the Redis of the queue: redis://:password@host:6379, or rediss:// for TLS')
  .option('--concurrency <n>', 'runs at a time', '1')
  .option('--threads <n>', 'threads of each run (default: processors over concurrency)')
  .option('--lock-seconds <n>', 'time after which other workers take the runs of one that was killed', '30')
  .addHelpText(
    'after',
    `
Recipes are sent, files that they name are not: data sets, weights and ONNX models have to be found on this machine
under the same paths (relative ones from the folder where the worker was started, data sets in ESPALIER_DATA). A run
whose file is missing fails, and says which. Results go back through Redis.
Whoever can write to that Redis decides what is run here: give it a password.
Ctrl-C gives back to the queue what is running, and ends.`,
  )
  .action(async (options: Options) => {
    const concurrency = wholeNumber('--concurrency', options.concurrency, 1, 1024)
    const threads =
      options.threads === undefined
        ? Math.max(1, Math.floor(availableParallelism() / concurrency))
        : wholeNumber('--threads', options.threads, 1, 1024)
    const lockSeconds = wholeNumber('--lock-seconds', options.lockSeconds, 1, 3600)
    // Not for those who never use it: it takes a moment to load.
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
    process.exitCode = received() === 'SIGTERM' ? 143 : 130
  })

function lineOf(event: WorkerEvent): string {
  if (event.type === 'start') return `${event.run} begins`
  if (event.type === 'failed') return `${event.run} failed: ${event.reason}`
  if (event.type === 'returned') return `${event.run} goes back to the queue`
  if (!event.result) return `${event.run}: what others go on from is trained`
  const { final, sparsity, seconds } = event.result
  return `${event.run}: ${percent(final.accuracy)}, sparsity ${percent(sparsity)}, ${clock(seconds)}`
}
