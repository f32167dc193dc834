// pdf.js reads a file in this worker; bundled with the console, so that it comes from our own origin.
import 'pdfjs-dist/build/pdf.worker.mjs';
