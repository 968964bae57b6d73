// What espalier/web/gpu-thread exports. Written by scripts/api.mjs (npm run api).
