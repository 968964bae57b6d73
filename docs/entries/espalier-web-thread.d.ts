// What espalier/web/thread exports. Written by scripts/api.mjs (npm run api).
