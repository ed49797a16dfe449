// A bidirectional stream of gRPC: `grpc.js server KEY CERTIFICATE ADDRESS` answers each message as it comes and ends with
// status 7; `grpc.js client ROOT NAME` sends the next only when the last was answered, and says what happened as JSON.
const fs = require("fs"), grpc = require("@grpc/grpc-js");
const same = bytes => bytes;
const service = { talk: { path: "/interop.Talk/talk", requestStream: true, responseStream: true, requestSerialize: same,
	requestDeserialize: same, responseSerialize: same, responseDeserialize: same } };
const [role, first, second, address] = process.argv.slice(2);

function serve() {
	const server = new grpc.Server();
	server.addService(service, { talk: call => {
		call.on("data", message => call.write(Buffer.concat([Buffer.from("heard "), message])));
		call.on("end", () => call.emit("error", { code: 7, details: "enough" }));
	} });
	const pair = { private_key: fs.readFileSync(first), cert_chain: fs.readFileSync(second) };
	server.bindAsync(address, grpc.ServerCredentials.createSsl(null, [pair]), error => { if (error) throw error; });
}

function ask() {
	const Client = grpc.makeGenericClientConstructor(service, "Talk");
	const call = new Client(second, grpc.credentials.createSsl(fs.readFileSync(first))).talk();
	const heard = [];
	let sent = 0;
	const send = () => call.write(Buffer.from(String(sent++)));
	call.on("data", message => {
		heard.push(message.toString());
		if (sent < 10) send(); else call.end();
	});
	call.on("error", () => {});
	call.on("status", status => { console.log(JSON.stringify({ heard, code: status.code, details: status.details })); process.exit(0); });
	send();
}

role === "server" ? serve() : ask();
