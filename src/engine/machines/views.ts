/** @file Views of an arena whose memory is that of the process: live ones, whatever runs in between. */
import type { Arena, Floats } from '../machine.ts'

export function liveViews(floats: Floats): Pick<Arena, 'size' | 'view' | 'blank' | 'peek'> {
  const view = (offset: number, count: number) => floats.subarray(offset, offset + count)
  return { size: floats.length, view, blank: view, peek: view }
}
