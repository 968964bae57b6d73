/** @file The flags that say what a pruned network may take, or lose. */
import type { LimitNames } from '../../target/limits.ts'
import type { PruneFlags } from './settings.ts'

/** What messages call the targets. */
export const TARGET_FLAGS: LimitNames = {
  milliseconds: '--target-ms',
  bytes: '--target-kb',
  flops: '--target-flops',
  drop: '--max-drop',
}

/** The first target that is given, as a flag. */
export function targetFlag({ targetMs, targetKb, targetFlops, maxDrop }: PruneFlags): string | undefined {
  const { milliseconds, bytes, flops, drop } = TARGET_FLAGS
  const given: Record<string, unknown> = {
    [milliseconds]: targetMs,
    [bytes]: targetKb,
    [flops]: targetFlops,
    [drop]: maxDrop,
  }
  return Object.keys(given).find((flag) => given[flag] !== undefined)
}
