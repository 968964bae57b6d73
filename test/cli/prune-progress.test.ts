/** @file Lines about pruning where no bar is drawn. */
import { expect, it, vi } from 'vitest'
import { PruneDisplay } from '../../src/cli/prune/progress.ts'

it('says nothing before it has taken a while, then phase, progress and time left now and then', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const lines: string[] = []
  const display = new PruneDisplay({ write: (text) => lines.push(text), bars: false, between: 2000, patience: 2000 })
  const at = (milliseconds: number, ...what: Parameters<typeof display.show>) => {
    now.mockReturnValue(milliseconds)
    display.show(...what)
  }
  at(0, 'gradients', '', 0)
  at(1000, 'gradients', '10 of 10 gradients', 1)
  at(1500, 'search', 'pass 0')
  expect(lines).toEqual([])
  at(2000, 'inverse', '', 0)
  at(3000, 'inverse', '10 of 50 weights', 0.2)
  at(5000, 'inverse', '30 of 50 weights', 0.6)
  at(6000, 'inverse', '50 of 50 weights', 1)
  at(6500, 'search', 'pass 1')
  expect(lines).toEqual(['2 s left, inverse: 30 of 50 weights', 'inverse: 50 of 50 weights, 4.0 s', 'search: pass 1'])
  now.mockRestore()
})
