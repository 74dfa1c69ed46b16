import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { safeJson, safeText } from './safe-text.js'

const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

describe('a text from the database', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', '\\u{1b}[31mred\\u{1b}[0m'],
    ['\u009b31m', '\\u{9b}31m'],
    ['one\ntwo\r\tthree', 'one\\ntwo\\r\\tthree'],
    ['a\u202eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
    ['pass\u200bword\ufeff', 'pass\\u{200b}word\\u{feff}'],
    ['\u3164hidden', '\\u{3164}hidden'],
    ['\ud800', '\\u{d800}'],
    ['Grüße, 株式会社, ❤️', 'Grüße, 株式会社, ❤️'],
  ])('%j is shown as %s', (text, shown) => {
    expect(safeText(text)).toBe(shown)
  })

  test('holds nothing that a terminal acts on, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safeText(text)).not.toMatch(harmful)
      }),
    )
  })
})

test('JSON says the same and holds nothing that a terminal acts on', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
      const compact = JSON.stringify(JSON.parse(json))
      expect(safeJson(compact)).not.toMatch(harmful)
      expect(JSON.parse(safeJson(compact))).toEqual(JSON.parse(json))
    }),
  )
})
