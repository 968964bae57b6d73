/** @file What is said while something takes long, and that nothing is said of what does not. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WaitDisplay } from '../../src/cli/display/wait.ts'

const written: string[] = []
beforeEach(() => {
  written.length = 0
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('nothing for two seconds, then a line every ten', () => {
  const display = new WaitDisplay()
  for (let done = 1; done <= 30; done++) {
    vi.advanceTimersByTime(1000)
    display.show(`file ${done}`, { share: done / 40 })
  }
  display.stop()
  expect(written).toEqual(['38 s left, file 2\n', '28 s left, file 12\n', '18 s left, file 22\n'])
})

it('what is expected is told as it is', () => {
  const display = new WaitDisplay()
  vi.advanceTimersByTime(2000)
  display.show('measuring', { secondsLeft: 90 })
  expect(written).toEqual(['1:30 left, measuring\n'])
})
