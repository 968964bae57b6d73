/** @file Debian's Python with PyTorch, for tests against files that PyTorch writes. */
import { spawnSync } from 'node:child_process'
import { wanted } from './needed.ts'

export const PYTHON = '/usr/bin/python3'

/** Whether it has these modules. */
export const hasPython = (...modules: string[]): boolean =>
  wanted(
    `Python's ${modules.join(' or ')}`,
    spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`]).status === 0,
    'apt-get install python3-torch',
  )
