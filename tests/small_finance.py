"""Small invented data of the financial tasks, in the layout of the data directory."""

from __future__ import annotations

import json
from collections.abc import Mapping

ORDERED = ("fraud_card", "claims_travel")
FINANCIAL = (
    "fraud_card",
    "claims_travel",
    "deposit_marketing",
    "churn_bank",
    "convfinqa",
    "convfinqa_own",
)  # those whose small data are here

FRAUD = "gender,state,cardholder,balance,numTrans,numIntlTrans,creditLine,fraudRisk\n"
CLAIMS = "Claim,Agency,Agency Type,Distribution Channel,Product Name,Duration,Destination,Net Sales,Commission,Age\n"
_TRAVEL = "EPX,Airlines,Online,Plan,{},PERU,{},1,{}\n"
MARKETING = [
    '"age";"job";"marital";"education";"default";"housing";"loan";"contact";"month";"day_of_week";"duration";"campaign";"pdays";'
    '"previous";"poutcome";"emp.var.rate";"cons.price.idx";"cons.conf.idx";"euribor3m";"nr.employed";"y"',
    *(
        f'{20 + 5 * i};"technician";"{("single", "married")[i % 2]}";"unknown";"no";"yes";"no";"cellular";"may";"fri";{99 * i};'
        f'{i};999;0;"nonexistent";-1.8;92.9;-46.2;1.3;5099.1;"{("no", "yes")[i % 3 == 0]}"'
        for i in range(10)
    ),
]
_LEAK = (
    "Naive_Bayes_Classifier_Attrition_Flag_Card_Category_Contacts_Count_12_mon_Dependent_count_Education_Level_"
    "Months_Inactive_12_mon_"
)
CHURN = [
    "CLIENTNUM,Attrition_Flag,Customer_Age,Gender,Dependent_count,Education_Level,Marital_Status,Income_Category,Card_Category,"
    "Months_on_book,Total_Relationship_Count,Months_Inactive_12_mon,Contacts_Count_12_mon,Credit_Limit,Total_Revolving_Bal,"
    "Avg_Open_To_Buy,Total_Amt_Chng_Q4_Q1,Total_Trans_Amt,Total_Trans_Ct,Total_Ct_Chng_Q4_Q1,Avg_Utilization_Ratio,"
    f"{_LEAK}1,{_LEAK}2",
    *(
        f"{i},{('Existing', 'Attrited')[i % 2]} Customer,{30 + 3 * i},{'MF'[i % 2]},3,Graduate,Single,Unknown,Blue,39,5,1,3,"
        f"{900 * i},7,119,1.3,1144,{40 + i},1.6,0.06,0.1,0.{i}"
        for i in range(10)
    ),
]
DIALOGUES = [
    {
        "id": "Single_Elbe/2008/page_7.pdf-1", "text": "the ferry sells tickets .", "table": "- | 2008 | 2007\ntickets | 60 | 40\n",
        "questions": ["how many tickets were sold in 2008?", "and the change since 2007?", "and as a share of 2007?"],
        "programs": ["ans = 60", "ans = 60 - 40", "x0 = 60 - 40; ans = x0 / 40"], "exe_ans_list": [60, 20, 0.5],
    },
    {
        "id": "Double_Po/2009/page_8.pdf", "text": "", "table": "- | 2009 | 2008\ncars | 9 | 12\n",
        "questions": ["how many cars in 2009?", "was that more than in 2008?"],
        "programs": ["ans = 9", "ans = 9 > 12"], "exe_ans_list": [9.0, "no"],
    },
]  # fmt: skip
FILES: Mapping[str, str] = {
    "finance/convfinqa/convfinqa_dev.json": json.dumps(DIALOGUES),
    "finance/ccfraud/test.csv": FRAUD + "".join(f"{1 + i % 2},{i},1,{100 * i},3,0,5,{i % 2}\n" for i in range(6)),
    "finance/ccfraud/train.csv": FRAUD + "".join(f"{1 + i % 2},{i},1,{90 * i},4,1,5,{i % 2}\n" for i in range(6)),
    "finance/travel_insurance/test.csv": CLAIMS + "No," + _TRAVEL.format(3, 2, 40) + "Yes," + _TRAVEL.format(4, 9, 41),
    "finance/travel_insurance/train.csv": CLAIMS + "Yes," + _TRAVEL.format(5, 8, 30) + "No," + _TRAVEL.format(4, 1, 50),
    "finance/bank_marketing/bank-additional.csv": "\n".join(MARKETING),
    "finance/bank_churn/BankChurners.csv": "\n".join(CHURN),
}
