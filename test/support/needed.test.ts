import { afterEach, expect, it, vi } from 'vitest'
import { needed, wanted } from './needed.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

it('what is missing fails in CI, and is said elsewhere', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.stubEnv('CI', '1')
  expect(() => needed('a browser', false, 'install one')).toThrow('CI is set, and a browser is missing: install one')
  expect(needed('a browser', true, 'install one')).toBe(true)
  expect(warn).not.toHaveBeenCalled()

  vi.stubEnv('CI', '')
  expect(needed('a browser', false, 'install one')).toBe(false)
  expect(warn).toHaveBeenCalledWith('a browser is missing, tests that need it are skipped: install one')
})

it('what is merely wanted is skipped in CI, too, and says so', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.stubEnv('CI', '1')
  expect(wanted('PyTorch', false, 'install it')).toBe(false)
  expect(warn).toHaveBeenCalledOnce()
})
