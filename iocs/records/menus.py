"""EPICS menus, and which type each field of a record has on the wire.

Facts of the EPICS database definitions: base 7.0 (`dbCommon.dbd` and the record types) and the motor module's
`motorRecord.dbd` (https://github.com/epics-modules/motor).
"""

from __future__ import annotations

__all__ = ["MENUS", "MOTOR_FIELDS", "RECORD_FIELDS", "VALUE_TYPES"]

SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
STATUSES = (
    "NO_ALARM READ WRITE HIHI HIGH LOLO LOW STATE COS COMM TIMEOUT HWLIMIT CALC SCAN LINK SOFT BAD_SUB UDF DISABLE "
    "SIMM READ_ACCESS WRITE_ACCESS"
).split()
ELEMENT_TYPES = "STRING CHAR UCHAR SHORT USHORT LONG ULONG INT64 UINT64 FLOAT DOUBLE ENUM".split()

VALUE_TYPES = {
    "ai": "double",
    "ao": "double",
    "calc": "double",
    "calcout": "double",
    "sub": "double",
    "sel": "double",
    "int64in": "double",
    "int64out": "double",
    "motor": "double",
    "longin": "long",
    "longout": "long",
    "mbbiDirect": "long",
    "mbboDirect": "long",
    "bi": "enum",
    "bo": "enum",
    "busy": "enum",
    "mbbi": "enum",
    "mbbo": "enum",
    "stringin": "string",
    "stringout": "string",
    "lsi": "text",
    "lso": "text",
    "waveform": "array",
    "aai": "array",
    "aao": "array",
}
"""What VAL is, by record type."""

MENUS: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "status": tuple(STATUSES),
    "scan": (
        "Passive", "Event", "I/O Intr", "10 second", "5 second", "2 second", "1 second", ".5 second", ".2 second",
        ".1 second",
    ),
    "yesno": ("NO", "YES"),
    "element": tuple(ELEMENT_TYPES),
    "omsl": ("supervisory", "closed_loop"),
    "post": ("Always", "On Change"),
    "motor_direction": ("Pos", "Neg"),
    "motor_offset": ("Variable", "Frozen"),
    "motor_set": ("Use", "Set"),
    "motor_go": ("Stop", "Pause", "Move", "Go"),
    "motor_yesno": ("No", "Yes"),
    "motor_enable": ("Disable", "Enable"),
    "motor_status": ("OFF", "ON", "BUSY"),
    "motor_mode": ("Default", "Arithmetic", "Geometric", "In-Position"),
    "motor_torque": ("No", "Yes"),
    "motor_restore": ("Never", "NearZero", "Always", "Conditional"),
}  # fmt: skip


def _table(**by_type: str) -> dict[str, str]:
    return {name: type_name for type_name, names in by_type.items() for name in names.split()}


RECORD_FIELDS = _table(
    string="NAME DESC ASG EGU RTYP INP OUT DOL FLNK SDIS SIOL SIML DTYP CALC "
    "ZNAM ONAM ZRST ONST TWST THST FRST FVST SXST SVST EIST NIST TEST ELST TVST TTST FTST FFST "
    "INPA INPB INPC INPD INPE INPF INPG INPH INPI INPJ INPK INPL AMSG",
    double="HOPR LOPR DRVH DRVL HIHI HIGH LOW LOLO HYST MDEL ADEL AOFF ASLO EGUF EGUL",
    short="PREC DISA DISV DISP PROC UDF PHAS PRIO TPRO TSE PUTF LCNT PACT RPRO",
    long="NELM NORD NOBT SIZV LEN ZRVL ONVL TWVL THVL FRVL FVVL SXVL SVVL EIVL NIVL TEVL ELVL TVVL TTVL FFVL",
    severity="SEVR NSEV ACKS DISS UDFS HHSV HSV LSV LLSV ZSV OSV COSV UNSV SIMS "
    "ZRSV ONSV TWSV THSV FRSV FVSV SXSV SVSV EISV NISV TESV ELSV TVSV TTSV FTSV FFSV",
    status="STAT NSTA",
    scan="SCAN",
    yesno="PINI ACKT SIMM",
    element="FTVL",
    omsl="OMSL",
    post="MPST APST",
)
"""Type of the fields that any record may have, besides VAL."""

MOTOR_FIELDS = _table(
    double="ACCL ADEL BACC BDST BVEL DCOF DHLM DIFF DLLM DLY DRBV DVAL ERES FRAC HIGH HIHI HLM HOPR HVEL HYST "
    "ICOF JAR JVEL LDVL LLM LOLO LOPR LOW LRLV LVAL MDEL MRES MSTA OFF PCOF PP RBV RDBD RLV S SBAK SBAS SMAX SPDB "
    "TWV UREV VAL VBAS VELO VERS VMAX",
    long="RVAL RRBV RMP REP RDIF LRVL MIP SREV CARD RHLM RLLM RVEL",
    short="ATHM CDIR DMOV DISA DISP HLS HOMF HOMR JOGF JOGR LLS LVIO MISS MMAP MOVN NTMF PERL PREC RCNT "
    "RTRY STOP SYNC TDIR TWF TWR",
    string="DESC EGU OUT INIT PREM POST RDBL RLNK STOO DINP RINP DOL",
    severity="HHSV HSV LSV LLSV HLSV",
    motor_direction="DIR",
    motor_offset="FOFF",
    motor_set="SET",
    motor_go="SPMG LSPG",
    motor_yesno="UEIP URIP NTM IGSET",
    motor_enable="CNEN",
    motor_status="STUP",
    motor_mode="RMOD",
    motor_restore="RSTM",
    omsl="OMSL",
)
"""Type of the fields of a motor record. ULONG fields (MSTA) travel as doubles, USHORT ones as longs, as rsrv does."""
