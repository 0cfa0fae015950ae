package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

const callDeadline = 20 * time.Second

type credential struct {
	MspID           string `json:"msp_id"`
	CertificateFile string `json:"certificate_file"`
	KeyFile         string `json:"key_file"`
}

// ledger is the network as the cases use it: one connection, and a gateway client per identity.
type ledger struct {
	Address    string                `json:"address"`
	ServerName string                `json:"server_name"`
	TLSCAFile  string                `json:"tls_ca_file"`
	Channel    string                `json:"channel"`
	Chaincode  string                `json:"chaincode"`
	Scratch    string                `json:"scratch"`
	Identities map[string]credential `json:"identities"`

	connection *grpc.ClientConn
	gateways   map[string]*client.Gateway
}

func connect(path string) (*ledger, error) {
	made := &ledger{gateways: map[string]*client.Gateway{}}
	described, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(described, made); err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(made.TLSCAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, errors.New(made.TLSCAFile + " holds no certificate")
	}
	secured := credentials.NewClientTLSFromCert(roots, made.ServerName)
	made.connection, err = grpc.NewClient("passthrough:///"+made.Address, grpc.WithTransportCredentials(secured))
	return made, err
}

func (l *ledger) close() {
	for _, gateway := range l.gateways {
		_ = gateway.Close()
	}
	_ = l.connection.Close()
}

func (l *ledger) sign(name string, digest []byte) []byte {
	key := must(identity.PrivateKeyFromPEM(must(os.ReadFile(l.Identities[name].KeyFile))))
	return must(must(identity.NewPrivateKeySign(key))(digest))
}

// wrongSignature is a good signature of something else.
func (l *ledger) wrongSignature() []byte {
	digest := sha256.Sum256([]byte("something else"))
	return l.sign("admin", digest[:])
}

func (l *ledger) gateway(name string) *client.Gateway {
	if l.gateways[name] == nil {
		who := l.Identities[name]
		certificate := must(identity.CertificateFromPEM(must(os.ReadFile(who.CertificateFile))))
		l.gateways[name] = must(client.Connect(
			must(identity.NewX509Identity(who.MspID, certificate)),
			client.WithSign(func(digest []byte) ([]byte, error) { return l.sign(name, digest), nil }),
			client.WithHash(hash.SHA256),
			client.WithClientConnection(l.connection),
			client.WithEvaluateTimeout(callDeadline),
			client.WithEndorseTimeout(callDeadline),
			client.WithSubmitTimeout(callDeadline),
			client.WithCommitStatusTimeout(callDeadline),
		))
	}
	return l.gateways[name]
}

func (l *ledger) network(name string) *client.Network {
	return l.gateway(name).GetNetwork(l.Channel)
}

// contract is `AdminContract` of the chaincode under test.
func (l *ledger) contract(name string) *client.Contract {
	return l.network(name).GetContractWithName(l.Chaincode, "AdminContract")
}

// run is one case: what it made up, and under which name the table of expectations knows it.
type run struct {
	ledger *ledger
	names  map[string]string
}

func (r *run) name(madeUp, name string) string {
	r.names[madeUp] = name
	return madeUp
}

// newAdmin is the id of an administrator nobody has appointed.
func (r *run) newAdmin(name string) string {
	return r.name(rand.Text(), name)
}

// proposalOf is a proposal whose transaction is called `name`.
func (r *run) proposalOf(contract *client.Contract, name, function string, options ...client.ProposalOption) *client.Proposal {
	proposal := must(contract.NewProposal(function, options...))
	r.name(proposal.TransactionID(), name)
	return proposal
}

// proposal is one to appoint an administrator.
func (r *run) proposal(name, admin string, options ...client.ProposalOption) *client.Proposal {
	options = append(options, client.WithArguments(admin))
	return r.proposalOf(r.ledger.contract("admin"), name, "AppointAdmin", options...)
}

// endorsed is an endorsed transaction T that appoints an administrator.
func (r *run) endorsed() *client.Transaction {
	return must(r.proposal("T", r.newAdmin("admin")).Endorse())
}
