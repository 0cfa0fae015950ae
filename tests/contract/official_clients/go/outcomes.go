package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"
)

// object is an answer as a plain object, the same for every client of the table.
type object = map[string]any

func parsed(document []byte) any {
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		panic(err)
	}
	return value
}

// describeStatus leaves out the block number, which depends on the network's age.
func describeStatus(status *client.Status) object {
	return object{"transaction": status.TransactionID, "code": status.Code.String(), "successful": status.Successful}
}

func describeError(err error) object {
	var committed *client.CommitError
	if errors.As(err, &committed) {
		return object{"error": "CommitError", "transaction": committed.TransactionID, "code": committed.Code.String()}
	}
	answer, isStatus := status.FromError(err)
	if !isStatus {
		return object{"error": "Error", "message": err.Error()}
	}
	details := []object{}
	for _, detail := range answer.Details() {
		row := detail.(*gateway.ErrorDetail)
		details = append(details, object{"address": row.GetAddress(), "msp_id": row.GetMspId(), "message": row.GetMessage()})
	}
	described := object{
		"error":   errorName(err),
		"code":    code.Code_name[int32(answer.Code())],
		"message": statusMessage(err),
		"details": details,
	}
	var transaction *client.TransactionError
	if errors.As(err, &transaction) {
		described["transaction"] = transaction.TransactionID
	}
	return described
}

func errorName(err error) string {
	var endorse *client.EndorseError
	var submit *client.SubmitError
	var commitStatus *client.CommitStatusError
	switch {
	case errors.As(err, &endorse):
		return "EndorseError"
	case errors.As(err, &submit):
		return "SubmitError"
	case errors.As(err, &commitStatus):
		return "CommitStatusError"
	default:
		return "GatewayError"
	}
}

// statusMessage is the server's own text: status.FromError puts the texts of the errors around it before it.
func statusMessage(err error) string {
	var transaction *client.TransactionError
	if errors.As(err, &transaction) {
		return transaction.GRPCStatus().Message()
	}
	return status.Convert(err).Message()
}

// refusal is what a call that must fail says.
func refusal[T any](_ T, err error) any {
	if err == nil {
		return "not refused"
	}
	return describeError(err)
}

// take reads a stream up to the item that isLast accepts. The client tells no reason for the end of a stream: it was
// still open when we have left it, at that item or at the end of the context.
func take[T any](ctx context.Context, events <-chan T, isLast func(T) bool) (taken []T, stillOpen bool) {
	for item := range events {
		taken = append(taken, item)
		if isLast(item) {
			return taken, true
		}
	}
	return taken, ctx.Err() != nil
}

// within is a context that ends by itself, and the way to leave it earlier. It is no deadline: gRPC would tell that to
// the server, which might be the first to end the call.
func within(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, leave := context.WithCancel(context.Background())
	time.AfterFunc(limit, leave)
	return ctx, leave
}
