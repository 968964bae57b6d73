import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readLabels, relabelled } from '../../src/data/labels.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { temporaryFolder } from '../cli/temporary.ts'

const file = (text: string) => {
  const path = join(temporaryFolder(), 'labels.txt')
  writeFileSync(path, text)
  return path
}
const data = () => ({ ...synthetic({ classes: 2, train: 20, test: 10 }), classNames: ['cat', 'dog'] })

it('labels become places in the list, of which the data may have some only', () => {
  const names = readLabels(file('ant\ndog\r\n\ncat\nbee\n'))
  expect(names).toEqual(['ant', 'dog', 'cat', 'bee'])
  const before = data()
  const after = relabelled(before, names, 'labels.txt')
  expect(after).toMatchObject({ classes: 4, classNames: names })
  for (const part of ['train', 'test'] as const)
    expect([...after[part].labels]).toEqual(Array.from(before[part].labels, (label) => [2, 1][label]))
  expect(after.test.images).toBe(before.test.images)
})

it('lists that do not fit are refused', () => {
  expect(() => readLabels(file('\n \n'))).toThrow('expected one class name per line, found none')
  expect(() => readLabels(file('cat\ndog\ncat'))).toThrow('expected every class once, found cat twice')
  expect(() => readLabels('missing.txt')).toThrow('cannot read missing.txt: there is no such file or folder')
  expect(() => relabelled(data(), ['cat'], 'labels.txt')).toThrow('labels.txt has no line dog, which is a class of')
  const nameless = { ...data(), classNames: undefined }
  expect(() => relabelled(nameless, ['cat', 'dog'], 'labels.txt')).toThrow('have no names')
})
