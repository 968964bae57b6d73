/**
 * @file Opens a machine by name. `ESPALIER_ENGINE`, `ESPALIER_THREADS` and `ESPALIER_ISA` choose where the
 * caller does not; native falls back to wasm where it was not built.
 */
import { availableParallelism } from 'node:os'
import { checkName, checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { limits } from '../kernels/limits.ts'
import type { EngineName, Machine } from '../machine.ts'

const engineNames: readonly EngineName[] = ['native', 'wasm', 'webgpu', 'reference']

export interface MachineOptions {
  /** Default: `ESPALIER_ENGINE`, else native where it was built, else wasm; never webgpu by itself. */
  engine?: EngineName
  /** Native only. Default: `ESPALIER_THREADS`, else the number of processors, at most 16. */
  threads?: number
  /** Native only: avx512, avx2 or baseline. Default: `ESPALIER_ISA`, else the best that the processor has. */
  instructionSet?: string
}

/** Opens a machine. Throws one sentence where what was asked for is unknown or not there. */
export async function openMachine(options: MachineOptions = {}): Promise<Machine> {
  checkName('engine', options.engine, engineNames)
  checkWhole('threads', options.threads, 1, limits.MOST_THREADS)
  const engine = options.engine ?? chosenEngine()
  if (engine === 'reference') return (await import('./reference.ts')).openReference()
  if (engine === 'webgpu') {
    const { openWebGpu } = await import('./webgpu.ts')
    return openWebGpu(
      await openMachine({ ...options, engine: (await import('./native.ts')).isBuilt() ? 'native' : 'wasm' }),
    )
  }
  const wanted = options.threads ?? chosenThreads()
  if (engine !== 'wasm') {
    const native = await import('./native.ts')
    const set = options.instructionSet ?? (process.env.ESPALIER_ISA || undefined)
    if (engine === 'native' || native.isBuilt())
      return native.openNative(wanted ?? Math.min(availableParallelism(), 16), set)
    notice(NOT_BUILT)
  }
  if (wanted !== undefined && wanted > 1) notice(`the wasm engine has one thread; ${wanted} threads were asked for.`)
  return (await import('./wasm.ts')).openWasm()
}

function chosenEngine(): EngineName | undefined {
  const name = process.env.ESPALIER_ENGINE
  if (!name) return undefined
  if (!engineNames.includes(name as EngineName))
    throw new UserError(`ESPALIER_ENGINE: expected ${engineNames.join(', ')}, found ${name}`)
  return name as EngineName
}

function chosenThreads(): number | undefined {
  const text = process.env.ESPALIER_THREADS
  if (!text) return undefined
  const threads = Number(text)
  if (!Number.isInteger(threads) || threads < 1 || threads > limits.MOST_THREADS)
    throw new UserError(`ESPALIER_THREADS: expected a whole number from 1 to ${limits.MOST_THREADS}, found ${text}`)
  return threads
}

const NOT_BUILT =
  'the native engine is not built, so that WebAssembly runs instead, several times slower and on one thread: ' +
  'npx espalier native compiles it; ESPALIER_ENGINE=wasm chooses WebAssembly without this line.'

const noticed = new Set<string>()
function notice(text: string): void {
  if (!noticed.has(text)) process.stderr.write(`espalier: ${text}\n`)
  noticed.add(text)
}
