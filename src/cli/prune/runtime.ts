/**
 * @file What times are of, where espalier prune and espalier sensitivity measure some: the flags that say it.
 */
import type { Machine } from '../../engine/machine.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { onnxRuntime } from '../../target/onnx-runtime.ts'
import { espalierRuntime, type Runtime } from '../../target/runtimes.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf } from '../flags/choices.ts'
import { wholeNumber } from '../flags/parse.ts'

export interface RuntimeFlags {
  runtime?: string
  threads?: string
  atOnce?: string
}

export interface Timing {
  machine: Machine
  /** Images at a time. */
  batch: number
}

/** Throws UserError, naming the flag. */
export async function timingOf({ runtime = 'espalier', threads, atOnce }: RuntimeFlags): Promise<Timing> {
  const found = oneOf('--runtime', runtime, ['espalier', 'wasm'] as const)
  if (found === 'wasm' && threads !== undefined)
    throw new UserError('--threads: expected none with --runtime wasm, which has one thread')
  return {
    machine: await openMachine({
      engine: found === 'wasm' ? 'wasm' : undefined,
      threads: threads === undefined ? undefined : wholeNumber('--threads', threads, 1, 64),
    }),
    batch: atOnce === undefined ? 1 : wholeNumber('--at-once', atOnce, 1, 4096),
  }
}

/** The same, or nothing with `--runtime none`. Throws UserError, naming the flag. */
export async function timingUnlessNone({ runtime, ...others }: RuntimeFlags): Promise<Timing | undefined> {
  if (runtime !== 'none') return timingOf({ runtime, ...others })
  const flag = runtimeFlag({ threads: others.threads, atOnce: others.atOnce })
  if (flag !== undefined) throw new UserError(`${flag}: expected none with --runtime none`)
  return undefined
}

/** What runs compacted networks. Throws UserError, naming the flag. */
export async function unitRuntimeOf(flags: RuntimeFlags): Promise<Runtime> {
  const { runtime, threads, atOnce } = flags
  if (runtime !== 'onnxruntime') {
    if (runtime !== undefined) oneOf('--runtime', runtime, ['espalier', 'wasm', 'onnxruntime'] as const)
    const { machine, batch } = await timingOf(flags)
    return espalierRuntime(machine, batch)
  }
  const batch = atOnce === undefined ? 1 : wholeNumber('--at-once', atOnce, 1, 4096)
  const most = threads === undefined ? undefined : wholeNumber('--threads', threads, 1, 64)
  return onnxRuntime(batch, most, '--runtime onnxruntime')
}

/** The first of the flags that is given. */
export const runtimeFlag = ({ runtime, threads, atOnce }: RuntimeFlags): string | undefined =>
  Object.entries({ '--runtime': runtime, '--threads': threads, '--at-once': atOnce }).find(
    ([, value]) => value !== undefined,
  )?.[0]
