/** @file Listeners of signals: as many as there is work, and none after it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Interruptible, interruptible } from '../../src/cli/display/interruptible.ts'

const counts = () => ['SIGINT', 'SIGTERM', 'disconnect'].map((name) => process.listenerCount(name))

let before: number[]
let opened: Interruptible[]
beforeEach(() => {
  before = counts()
  opened = []
})
afterEach(() => {
  for (const one of opened) one.release()
})
const open = (first = () => {}): Interruptible => {
  const one = interruptible(first)
  opened.push(one)
  return one
}

it('work that follows work leaves no listeners behind', () => {
  for (let i = 0; i < 20; i++) {
    const one = open()
    expect(counts()[0]).toBe(before[0] + 1)
    one.release()
    one.release()
  }
  expect(counts()).toEqual(before)
})

it('however often it is said that signals can be served again, they are served once', () => {
  const one = open()
  for (const is of [false, true, true, false, false]) one.unstoppable(is, 'x')
  expect(counts()[0]).toBe(before[0] + 1)
  one.unstoppable(true, 'x')
  expect(counts()[0]).toBe(before[0])
})

it('the first signal is told, and its name kept', () => {
  let told = 0
  const one = open(() => told++)
  process.listeners('SIGTERM').at(-1)!('SIGTERM')
  expect([told, one.signal.aborted, one.received()]).toEqual([1, true, 'SIGTERM'])
})
