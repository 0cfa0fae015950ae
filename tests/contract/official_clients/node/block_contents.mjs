// What blocks hold, and whether they are chained.

import { createHash } from 'node:crypto';

import { common, peer } from '@hyperledger/fabric-protos';

import { codeName, text } from './outcomes.mjs';

const TYPES = Object.fromEntries(Object.entries(common.HeaderType).map(([name, type]) => [type, name]));

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** {transaction, type, code} of each envelope of a block. */
export function entries(block) {
    const codes = block.getMetadata().getMetadataList_asU8()[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
    return block
        .getData()
        .getDataList_asU8()
        .map((envelope, index) => {
            const payload = common.Payload.deserializeBinary(
                common.Envelope.deserializeBinary(envelope).getPayload_asU8(),
            );
            const header = common.ChannelHeader.deserializeBinary(payload.getHeader().getChannelHeader_asU8());
            return { transaction: header.getTxId(), type: TYPES[header.getType()], code: codeName(codes[index]) };
        });
}

/** {transaction, type, code, events} of each entry of a filtered block. */
export function filteredEntries(block) {
    return block.getFilteredTransactionsList().map((entry) => ({
        transaction: entry.getTxid(),
        type: TYPES[entry.getType()],
        code: codeName(entry.getTxValidationCode()),
        events: (entry.getTransactionActions()?.getChaincodeActionsList() ?? []).map((action) => {
            const event = action.getChaincodeEvent() ?? new peer.ChaincodeEvent();
            return {
                transaction: event.getTxId(),
                chaincode: event.getChaincodeId(),
                name: event.getEventName(),
                payload: text(event.getPayload_asU8()),
            };
        }),
    }));
}

/** Whether each block holds the data its header says, and the hash of the header before it. */
export function describeChain(blocks) {
    const headers = blocks.map((block) => block.getHeader());
    return {
        data_hashes_agree: blocks.every((block, index) =>
            sha256(...block.getData().getDataList_asU8()).equals(headers[index].getDataHash_asU8()),
        ),
        previous_hashes_agree: headers
            .slice(1)
            .every((header, index) => headerHash(headers[index]).equals(header.getPreviousHash_asU8())),
        metadata: distinct(blocks.map(describeMetadata)),
    };
}

/** What orderer and peer add to a block. */
function describeMetadata(block) {
    const index = common.BlockMetadataIndex;
    const metadata = block.getMetadata().getMetadataList_asU8();
    const signed = common.Metadata.deserializeBinary(metadata[index.SIGNATURES]);
    const lastConfig = common.Metadata.deserializeBinary(metadata[index.LAST_CONFIG]).getValue_asU8();
    return {
        parts: metadata.length,
        orderer_signatures: signed.getSignaturesList().length,
        last_config: common.LastConfig.deserializeBinary(lastConfig).getIndex(),
        commit_hash_bytes: common.Metadata.deserializeBinary(metadata[index.COMMIT_HASH]).getValue_asU8().length,
    };
}

const distinct = (objects) => [...new Set(objects.map((each) => JSON.stringify(each)))].map((each) => JSON.parse(each));

/** SHA-256 over the ASN.1 DER of {number, previous hash, data hash}. */
function headerHash(header) {
    let number = BigInt(header.getNumber()).toString(16);
    number = Buffer.from(number.length % 2 ? `0${number}` : number, 'hex');
    const integer = number[0] & 0x80 ? Buffer.concat([Buffer.of(0), number]) : number;
    const fields = Buffer.concat([
        der(0x02, integer),
        der(0x04, header.getPreviousHash_asU8()),
        der(0x04, header.getDataHash_asU8()),
    ]);
    return sha256(der(0x30, fields));
}

const der = (tag, content) => Buffer.concat([Buffer.of(tag, content.length), content]);
