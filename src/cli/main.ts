#!/usr/bin/env node
/** @file The command line. One file per command; errors that a person can mend are one sentence. */
import { Command } from 'commander'
import { errorText } from '../util/errors.ts'
import { version } from '../util/version.ts'
import { benchCommand } from './commands/bench.ts'
import { compareMasksCommand } from './commands/compare-masks.ts'
import { convertCommand } from './commands/convert.ts'
import { dataCommand } from './commands/data.ts'
import { evalCommand } from './commands/eval.ts'
import { inspectCommand } from './commands/inspect.ts'
import { listCommand } from './commands/list.ts'
import { pruneCommand } from './commands/prune.ts'
import { reportCommand } from './commands/report.ts'
import { runCommand } from './commands/run.ts'
import { sweepCommand } from './commands/sweep.ts'
import { workerCommand } from './commands/worker.ts'

/** One line, whatever a message repeats from files and arguments. */
const oneLine = (message: string): string => `${message.trim().replace(/\p{Cc}+/gu, ' ')}\n`

const program = new Command('espalier')
  .configureOutput({ outputError: (message, write) => write(oneLine(message)) })
  .description('Train, prune and ship sparse neural networks.')
  .version(version())
  .addHelpText(
    'after',
    `
Environment:
  ESPALIER_ENGINE   native, wasm or reference (default: native where it was built, else wasm)
  ESPALIER_THREADS  threads of the native engine (default: the number of processors)
  ESPALIER_ISA      avx512, avx2 or baseline (default: the best that the processor has)
  ESPALIER_DATA     folder of data sets
  ESPALIER_CACHE    folder for downloads and decoded images (default: ~/.cache/espalier)
  ESPALIER_DEBUG    1 shows where an error came from`,
  )
const commands = [
  runCommand,
  sweepCommand,
  workerCommand,
  pruneCommand,
  evalCommand,
  benchCommand,
  reportCommand,
  inspectCommand,
  convertCommand,
  compareMasksCommand,
  listCommand,
  dataCommand,
]
for (const command of commands) {
  program.addCommand(command.copyInheritedSettings(program))
  for (const part of command.commands) part.copyInheritedSettings(command)
}

// A reader that went away, such as head, is no error: work goes on without it, so that exit status 0 says
// that all was done.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(oneLine(`espalier: ${errorText(error)}`))
  if (process.env.ESPALIER_DEBUG) process.stderr.write(`${(error as Error).stack}\n`)
  process.exitCode = 1
}
