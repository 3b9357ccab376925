/** How a person calls this program: through npx where npm started it, which is how it runs in a clone. */
export const COMMAND = process.env['npm_command'] === undefined ? 'tributary' : 'npx tributary'
