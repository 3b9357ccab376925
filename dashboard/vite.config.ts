import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'

const ROOT = join(import.meta.dirname, '..')

/** The pages, built once: what the coordinator serves from `dist/dashboard`. */
export default defineConfig({
  root: import.meta.dirname,
  // Sources of ours alone: packages have a condition of that name too.
  resolve: {
    alias: [{ find: /^#protocol\/(.*)\.js$/, replacement: join(ROOT, 'protocol/$1.ts') }],
  },
  plugins: [
    react(),
    compression({
      algorithms: ['brotliCompress', defineAlgorithm('gzip', { level: 9 })],
      include: /\.(html|js|css|svg|webmanifest)$/,
      // Of less, nothing is saved.
      threshold: 300,
    }),
  ],
  build: {
    outDir: join(ROOT, 'dist/dashboard'),
    emptyOutDir: true,
    chunkSizeWarningLimit: 900,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // A file of its own for everything: what is written into a style as data would be one more thing to allow.
    assetsInlineLimit: 0,
    // Which chunk needs which, for the test of sizes.
    manifest: true,
    // One file: those of all pages are smaller than what comes with a dozen answers.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        // With what keeps it from making functions of text: whoever loads zod has loaded that.
        // Icons are a few hundred bytes each, less than what comes with an answer.
        manualChunks: (id) => {
          if (/\/node_modules\/zod\/|\/src\/no-eval\.ts$/.test(id)) return 'schemas'
          return id.includes('/node_modules/lucide-react/') ? 'icons' : undefined
        },
      },
    },
  },
  server: {
    // `npx vite dashboard` beside a coordinator that was started with --origin http://127.0.0.1:5173.
    host: '127.0.0.1',
    proxy: {
      '/api': 'http://127.0.0.1:7400',
      '/socket.io': { target: 'http://127.0.0.1:7400', ws: true },
    },
  },
})
