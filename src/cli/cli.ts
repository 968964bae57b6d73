/** @file The command line: which command was asked for, and what became of it. */
import { Command, CommanderError } from 'commander'
import { version } from '../util/version.ts'
import { commands } from './commands/index.ts'
import { columnsOf, glossary } from './display/width.ts'
import { oneLine, tellError } from './errors.ts'
import { exitWith, type Io, withIo } from './io.ts'

const ENVIRONMENT = [
  { name: 'ESPALIER_ENGINE', summary: 'native, wasm or reference (default: native where it was built, else wasm)' },
  { name: 'ESPALIER_THREADS', summary: 'threads of the native engine (default: the number of processors)' },
  { name: 'ESPALIER_ISA', summary: 'avx512, avx2 or baseline (default: the best that the processor has)' },
  { name: 'ESPALIER_DATA', summary: 'folder of data sets' },
  { name: 'ESPALIER_CACHE', summary: 'folder for downloads and decoded images (default: ~/.cache/espalier)' },
  { name: 'ESPALIER_DEBUG', summary: '1 shows where an error came from' },
]

/** Runs a command; `argv` begins with its name. Resolves with its exit status, whatever happens to it. */
export function runCli(argv: readonly string[], io: Io): Promise<number> {
  return withIo(io, async () => {
    try {
      const program = await programFor(argv, io)
      await program.parseAsync(argv, { from: 'user' })
    } catch (error) {
      // Commander has said what there is to say.
      if (!(error instanceof CommanderError)) tellError(error, io)
      exitWith(error instanceof CommanderError ? error.exitCode : 1)
    }
  })
}

/**
 * All commands by name; arguments and flags only of the one that is asked for, so that the others cost no
 * time.
 */
async function programFor(argv: readonly string[], { stdout, stderr }: Io): Promise<Command> {
  const program = new Command('espalier')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (message, write) => write(oneLine(message, stderr)),
      getOutHelpWidth: () => columnsOf(stdout),
      getErrHelpWidth: () => columnsOf(stderr),
    })
    .exitOverride()
    .description('Train, prune and ship sparse neural networks.')
    .version(version())
    .addHelpText('after', () => `\nEnvironment:\n${glossary(ENVIRONMENT)}`)
  const asked = argv.find((word) => Object.hasOwn(commands, word))
  for (const [name, { description, define }] of Object.entries(commands)) {
    const command = name === asked ? await define() : new Command(name)
    program.addCommand(command.description(description).copyInheritedSettings(program))
    for (const part of command.commands) part.copyInheritedSettings(command)
  }
  return program
}
