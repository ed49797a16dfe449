// A server of HTTP/2 and HTTP/1 for browsers: a page that opens a WebSocket, listens to events and loads 100 MB, and tells
// what came of it. usage: node origin.js KEY CERTIFICATE ADDRESS PORT RESULT-FILE
const crypto = require("crypto"), fs = require("fs"), http2 = require("http2");
const [key, cert, address, port, result] = process.argv.slice(2);
const large = crypto.randomBytes(1 << 20), copies = 100;
const digest = crypto.createHash("sha256");
for (let i = 0; i < copies; i++)
	digest.update(large);
const expected = digest.digest("hex");
const held = [];

const page = `<!doctype html><meta charset=utf-8><title>interop</title><img src=/wait><script>
const socket = () => new Promise(done => {
	const got = [], peer = new WebSocket("wss://" + location.host + "/chat");
	peer.onopen = () => peer.send("0");
	peer.onerror = () => done("error");
	peer.onmessage = event => {
		got.push(event.data);
		if (got.length < 3) { peer.send(String(got.length)); return; }
		peer.close();
		done(got.join());
	};
});
const events = () => new Promise(done => {
	const source = new EventSource("/events");
	source.onmessage = event => { source.close(); done(event.data); };
	source.onerror = () => done("error");
});
const hex = bytes => [...new Uint8Array(bytes)].map(byte => byte.toString(16).padStart(2, "0")).join("");
(async () => {
	const told = { page: performance.getEntriesByType("navigation")[0].nextHopProtocol };
	told.socket = await socket();
	told.events = await events();
	told.many = (await Promise.all([...Array(50).keys()].map(n => fetch("/item/" + n).then(r => r.text())))).join() ===
		[...Array(50).keys()].join();
	const body = await (await fetch("/large")).arrayBuffer();
	told.large = body.byteLength;
	told.digest = hex(await crypto.subtle.digest("SHA-256", body));
	await fetch("/result", { method: "POST", body: JSON.stringify(told) });
})();
</script>`;

function answer(request, response) {
	const path = request.url;
	if (path === "/") {
		response.setHeader("content-type", "text/html");
		response.end(page);
	} else if (path === "/wait") {
		held.push(response);
	} else if (path === "/events") {
		response.setHeader("content-type", "text/event-stream");
		response.write("data: first\n\n"); // and nothing more: it must not wait for more
	} else if (path === "/large") {
		response.setHeader("content-length", String(copies * large.length));
		let left = copies;
		const more = () => {
			while (left-- > 0)
				if (!response.write(large)) { response.once("drain", more); return; }
			response.end();
		};
		more();
	} else if (path === "/result") {
		let text = "";
		request.on("data", data => text += data);
		request.on("end", () => {
			fs.writeFileSync(result, JSON.stringify({ ...JSON.parse(text), expected }));
			response.end();
			held.forEach(one => one.end());
		});
	} else {
		response.end(path.slice(path.lastIndexOf("/") + 1));
	}
}

function chat(request, socket) {
	const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] +
		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
	socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
	socket.on("data", frame => {
		if ((frame[0] & 15) === 8) { socket.end(Buffer.from([0x88, 0])); return; }
		const length = frame[1] & 127, text = Buffer.alloc(length);
		for (let i = 0; i < length; i++)
			text[i] = frame[6 + i] ^ frame[2 + i % 4];
		socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
	});
	socket.on("error", () => socket.destroy());
}

const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert), allowHTTP1: true }, answer);
server.on("upgrade", chat);
server.listen(Number(port), address);
