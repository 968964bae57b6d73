/** @file Tables and folders of texts as data of networks that take tokens. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { loadSamples } from '../../src/data/load-samples.ts'
import { bytesOfTokens, textTokens } from '../../src/data/text-tokens.ts'
import { recipeData } from '../../src/experiment/plan/data.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { findModel } from '../../src/models/index.ts'
import { temporaryFolder } from '../cli/temporary.ts'

const taker = { name: 'tiny', image: [2, 1, 4] as const, vocabulary: 500 }

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

const load = (path: string, options = {}) => loadSamples(path, taker, options)
const bytes = (...texts: string[]) => texts.flatMap((text) => [...bytesOfTokens(textTokens(text, 500), 4)])

describe('a table', () => {
  it('has texts as tokens, cut to those of the network, and the names of its labels', async () => {
    const rows = [
      '"Cheap, ""now""!",spam',
      'See you at eight tomorrow,ham',
      '"Two\nlines",news',
      '9 to 5,ham',
      'Bye,spam',
    ]
    const data = await load(file('mails.csv', `text,label\n${rows.join('\n')}\n`))
    expect(data).toMatchObject({ classes: 3, classNames: ['ham', 'news', 'spam'], image: [2, 1, 4] })
    expect([...data.train.images]).toEqual(bytes('cheap now !', 'see you at eight', 'two lines', '9 to 5'))
    expect([[...data.train.labels!], [...data.test.labels!]]).toEqual([[2, 0, 1, 0], [2]])
    expect([...data.test.images]).toEqual(bytes('bye'))
    // Bytes as they are: (byte / 255 - 0) / (1 / 255).
    expect([data.mean, data.std]).toEqual([
      [0, 0],
      [1 / 255, 1 / 255],
    ])
    expect(data.notes).toEqual(['of every 5 samples the last one is one of the test: 1 of 5'])
  })

  it('tells what is cut to the same tokens once, so that nothing of the test is trained on', async () => {
    const texts = ['one two three four five', 'ONE two three four six', 'a', 'b', 'c', 'd', 'a!']
    const data = await load(file('some.csv', `label,text\n${texts.map((text, i) => `${i % 2},${text}`).join('\n')}`))
    expect([data.train.count, data.test.count]).toEqual([5, 1])
    expect(data.notes?.[1]).toBe('texts whose first 4 words are the same are taken once, which leaves out 1')
  })

  it('may be two, and numbers are classes in their order', async () => {
    file('train.csv', 'text,label\na,10\nb,9\nb,9')
    file('val.csv', 'text,label\nb,9')
    const data = await load(folder)
    expect([data.classNames, [...data.train.labels!], [...data.test.labels!]]).toEqual([['9', '10'], [1, 0, 0], [0]])
    expect(data.notes).toBeUndefined()
  })

  it.each([
    ['text,class\na,b', 'mails.csv has no column label'],
    ['text,label\n', 'mails.csv has no texts: expected lines below the first'],
    ['text,label\nok,a\n"  ",b', 'mails.csv, line 3: expected a text with words, found none'],
    ['text,label\n<b>***</b>,b', 'mails.csv, line 2: expected a text with words, found "<b>***</b>"'],
    ['text,label\nok, ', 'mails.csv, line 2: expected a label, found none'],
    ['text,label\n"ok,a', 'mails.csv, line 2: found a quote that is not closed'],
    [Buffer.from('text,label\nna\xefve,a', 'latin1'), 'mails.csv is not text: expected UTF-8, found other bytes'],
    [Buffer.from('text,label\nab,a', 'utf16le'), 'mails.csv is not text: expected UTF-8, found zero bytes'],
    [Buffer.from('\ufefftext,label\nab,a', 'utf16le'), 'mails.csv is not text: expected UTF-8, found other bytes'],
  ])('is refused in a sentence: %j', async (content, message) => {
    await expect(load(file('mails.csv', content))).rejects.toThrow(message)
  })

  it('may begin with a mark of its encoding', async () => {
    expect((await load(file('mails.csv', '\ufefftext,label\nab,a\ncd,b'))).classNames).toEqual(['a', 'b'])
  })
})

describe('folders by class', () => {
  it('are read whole, or in parts', async () => {
    for (const [i, label] of ['pos', 'neg', 'neg'].entries()) file(`${label}/${i}.txt`, `word${'x'.repeat(i)}`)
    const whole = await load(folder)
    expect([whole.classNames, [...whole.train.labels!], [...whole.test.labels!]]).toEqual([['neg', 'pos'], [0, 0], [1]])
    expect([...whole.train.images]).toEqual(bytes('wordx', 'wordxx'))

    folder = temporaryFolder()
    file('train/pos/a.txt', 'fine')
    file('train/neg/a.txt', 'bad')
    file('train/neg/notes.md', 'no sample')
    file('test/neg/b.txt', 'worse')
    const parts = await load(folder)
    expect([parts.classNames, parts.train.count, [...parts.test.labels!]]).toEqual([['neg', 'pos'], 2, [0]])
  })

  it('are refused in a sentence', async () => {
    file('train/pos/a.txt', 'fine')
    await expect(load(folder)).rejects.toThrow(`${folder} has texts in train, but none in test or val`)
    file('test/pos/empty.txt', '\n')
    await expect(load(folder)).rejects.toThrow('empty.txt: expected a text with words, found none')
    file('test/pos/empty.txt', Buffer.from('d\xe9j\xe0', 'latin1'))
    await expect(load(folder)).rejects.toThrow('empty.txt is not text: expected UTF-8, found other bytes')
  })
})

it('texts are for networks of tokens, without what is done to images', async () => {
  const path = file('mails.csv', 'text,label\na,x\nb,y')
  await expect(loadSamples(path, { ...taker, name: 'resnet20', vocabulary: undefined })).rejects.toThrow(
    'mails.csv holds texts, resnet20 takes none: expected images or arrays, or a network of tokens',
  )
  await expect(load(path, { size: 8 })).rejects.toThrow('size is for folders of image files; this data set holds texts')
  await expect(load(path, { normalization: 'mnist' })).rejects.toThrow(
    'mails.csv: normalization is for images; this data set holds texts',
  )
  await expect(load(path, { rate: 8000 })).rejects.toThrow('mails.csv: rate is for sound; this data set holds texts')
  // Captions beside images are no data set of texts for a network of images.
  const captions = file('captions/pos/a.txt', 'a cat').replace(/.pos.a.txt$/, '')
  const ofImages = { ...taker, name: 'resnet20', image: [3, 4, 4] as const, vocabulary: undefined }
  await expect(loadSamples(captions, ofImages)).rejects.toThrow('captions holds no data set that is known')
})

it('recipes take them for bert-mini, unless they are augmented', async () => {
  const name = file('mails.csv', 'text,label\nbuy now,x\nsee you,y')
  const recipe = (augment: string) =>
    checkRecipe(
      { name: 'r', model: { name: 'bert-mini' }, data: { name, augment }, train: { epochs: 1, learningRate: 0.1 } },
      'r.yaml',
    )
  const data = await recipeData(recipe('none'))
  expect([data.image, data.classNames]).toEqual([findModel('bert-mini').image, ['x', 'y']])
  await expect(recipeData(recipe('cifar'))).rejects.toThrow(
    `data.augment is for images, and ${name} holds texts: expected none, found cifar`,
  )
})
