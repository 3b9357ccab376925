import { describe, expect, it } from 'vitest'
import { printable, printableLines } from './printable.js'

const HOSTILE = [
  '\u001b]0;title\u0007',
  '\u001b[2J',
  '\u001b[1A',
  '\r',
  '\b',
  '\u009b2J',
  '\u202e',
  '\u2028',
]

describe('text of others', () => {
  it.each(HOSTILE)('moves no cursor (%j)', (text) => {
    for (const shown of [printable(text), printableLines(text)]) {
      expect(shown).not.toContain(text)
      // eslint-disable-next-line no-control-regex
      expect(shown).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u202e]+$/)
    }
  })
  it('is one line and has no colour, where it must be', () => {
    expect(printable('a\nb\u001b[31mc')).toBe(String.raw`a\u000ab\u001b[31mc`)
  })
  it('is left alone otherwise', () => {
    for (const text of ['Klinik Süd – 東京 ♥', '\u001b[1mbold\u001b[22m\nnext'])
      expect(printableLines(text)).toBe(text)
    expect(printable('Klinik Süd – 東京 ♥')).toBe('Klinik Süd – 東京 ♥')
  })
})
