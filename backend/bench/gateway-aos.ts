/** AOS as `npm start` runs it, started by bench:gateway with the environment of an operator. */
import '../src/main.js';
