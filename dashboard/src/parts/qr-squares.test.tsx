import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it } from 'vitest'
import { pathOf, QrSquares } from './qr-squares.js'

describe('codes for a camera', () => {
  afterEach(cleanup)
  it('squares beside each other are drawn as one', () => {
    expect(pathOf([[true, true, false, true], [], [false]])).toBe('M0 0h2v1h-2zM3 0h1v1h-1z')
  })
  it('is a picture with a name, and light around it', () => {
    render(<QrSquares text="https://c.example/#code=ABCD" label="The link" />)
    const picture = screen.getByRole('img', { name: 'The link' })
    const [, size = '0'] = /^0 0 (\d+)/.exec(picture.getAttribute('viewBox') ?? '') ?? []
    expect((Number(size) - 8 - 17) % 4).toBe(0)
    expect(picture.querySelector('path')?.getAttribute('d')).toMatch(/^M4 4h7/)
  })
})
