import { afterEach, expect, it, vi } from 'vitest'
import { RunDisplay } from '../../src/cli/progress.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('scoring without a terminal: one line, when it is done', () => {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0)
  const display = new RunDisplay()
  display.show({ type: 'scoring', done: 3, total: 10, seconds: 2.5 })
  expect(lines).toEqual([])
  display.show({ type: 'scoring', done: 10, total: 10, seconds: 8.25 })
  expect(lines).toEqual(['scores measured in 8.3 s\n'])
})
