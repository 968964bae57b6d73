/** @file espalier worker: takes the runs of sweeps from a queue. */

import { Command } from 'commander'
import { paragraphs } from '../display/width.ts'
import { whole } from '../flags/parse.ts'
import type { WorkerOptions } from '../work/worker.ts'

const HELP = [
  'Recipes are sent, files that they name are not: data sets, weights and ONNX models have to be found on this',
  'machine under the same paths (relative ones from the folder where the worker was started, data sets in',
  'ESPALIER_DATA). A run whose file is missing fails, and says which. Results go back through Redis.',
  'Whoever can write to that Redis decides what is run here: give it a password. Ctrl-C gives back to the queue',
  'what is running, and ends.',
].join(' ')

export const workerCommand = (): Command =>
  new Command('worker')
    .requiredOption('--redis <url>', 'the Redis of the queue: redis://:password@host:6379, or rediss:// for TLS')
    .option('--concurrency <n>', 'runs at a time', whole('--concurrency', 1, 1024), 1)
    .option('--threads <n>', 'threads of each run (default: processors over concurrency)', whole('--threads', 1, 1024))
    .option(
      '--lock-seconds <n>',
      'time after which other workers take the runs of one that was killed',
      whole('--lock-seconds', 1, 3600),
      30,
    )
    .addHelpText('after', () => paragraphs(HELP))
    .action(async (options: WorkerOptions) => (await import('../work/worker.ts')).workOn(options))
